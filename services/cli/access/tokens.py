"""``warren token``."""

import argparse
import sys

from services.cli import tables
from services.cli.access.parsing import Parsers, add_place, place, verb
from services.cli.access.roles import ROLES
from services.cli.api import Api, encoded


def add_tokens(parsers: Parsers) -> None:
    """Describe what is done with tokens."""
    create = verb(parsers, "create", create_token, "make a token and print it, this once")
    create.add_argument("name", help="what it is for")
    create.add_argument(
        "--scope", action="append", help="api (the default), read_api, read_user, self_rotate"
    )
    create.add_argument("--expires", metavar="YYYY-MM-DD", help="the day on which it ends")
    create.add_argument(
        "--role", choices=ROLES, default="developer", help="of a project's or a group's token"
    )
    listing = verb(parsers, "list", list_tokens, "list tokens")
    revoke = verb(parsers, "revoke", revoke_token, "revoke a token")
    rotate = verb(parsers, "rotate", rotate_token, "put a new token in the place of one")
    rotate.add_argument("--expires", metavar="YYYY-MM-DD", help="default: in a week")
    for each in (revoke, rotate):
        each.add_argument("id", help="its number, or self")
    for each in (create, listing):
        each.add_argument("--user", metavar="USERNAME", help="a personal token of this user")
    for each in (create, listing, revoke, rotate):
        add_place(each, required=False)


def _tokens(options: argparse.Namespace) -> str:
    is_personal = not (options.project or options.group)
    return "/personal_access_tokens" if is_personal else f"{place(options)}/access_tokens"


async def create_token(api: Api, options: argparse.Namespace) -> None:
    """Make a token; only its text goes to the standard output."""
    fields: dict[str, object] = {
        "name": options.name,
        "scopes": options.scope or ["api"],
        "expires_at": options.expires,
    }
    if options.project or options.group:
        path, level = _tokens(options), {"access_level": ROLES[options.role]}
        made = await api.send("POST", path, fields | level)
    else:
        user = await api.user_id(options.user) if options.user else await _own_id(api)
        made = await api.send("POST", f"/users/{user}/personal_access_tokens", fields)
    _show(made)


async def _own_id(api: Api) -> int:
    return int((await api.send("GET", "/user"))["id"])


async def list_tokens(api: Api, options: argparse.Namespace) -> None:
    """Print tokens, but for their texts, which nobody knows."""
    query = {"user_id": str(await api.user_id(options.user))} if options.user else {}
    rows = [
        (
            each["id"],
            each["name"],
            each["scopes"],
            each["active"],
            each["expires_at"],
            each["last_used_at"],
        )
        async for each in api.all(_tokens(options), **query)
    ]
    print(tables.lines(("id", "name", "scopes", "active", "expires", "last used"), rows))


async def revoke_token(api: Api, options: argparse.Namespace) -> None:
    """Revoke a token."""
    await api.send("DELETE", f"{_tokens(options)}/{encoded(options.id)}")
    print(f"Token {options.id} is revoked")


async def rotate_token(api: Api, options: argparse.Namespace) -> None:
    """Replace a token."""
    path = f"{_tokens(options)}/{encoded(options.id)}/rotate"
    _show(await api.send("POST", path, {"expires_at": options.expires}))


def _show(made: dict[str, object]) -> None:
    print(f"Token {made['id']}, shown this once:", file=sys.stderr)
    print(made["token"])
