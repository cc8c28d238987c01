"""``warren token``."""

import argparse
import sys

from cli import tables
from cli.access.parsing import Parsers, add_expiry, add_place, listing, place, verb
from cli.access.roles import ROLES
from cli.api import Api, encoded


def add_tokens(parsers: Parsers) -> None:
    """Add ``warren token`` and its commands."""
    create = verb(parsers, "create", create_token, "make a token and print it, this once")
    create.add_argument("name", help="what it is for")
    create.add_argument(
        "--scope",
        dest="scopes",
        action="append",
        metavar="SCOPE",
        help="api (the default), read_api, read_user or self_rotate; may be given several times",
    )
    add_expiry(create, "the day on which it ends; tokens of projects and groups need one")
    create.add_argument(
        "--role",
        dest="access_level",
        choices=ROLES,
        default="developer",
        metavar="ROLE",
        help=f"of a project's or a group's token: {', '.join(ROLES)} (default: %(default)s)",
    )
    tokens = listing(parsers, list_tokens, "list tokens")
    revoke = verb(parsers, "revoke", revoke_token, "revoke a token")
    rotate = verb(parsers, "rotate", rotate_token, "put a new token in the place of one")
    add_expiry(rotate, "the day on which the new one ends (default: in a week)")
    for each in (revoke, rotate):
        each.add_argument(
            "token_id", metavar="id", help="its number, or self: that of WARREN_TOKEN"
        )
    create.add_argument("--user", metavar="USERNAME", help="a personal token of this user")
    tokens.add_argument("--user", metavar="USERNAME", help="the personal tokens of this user")
    for each in (create, tokens, revoke, rotate):
        add_place(each, required=False)


def _tokens(options: argparse.Namespace) -> str:
    is_personal = not (options.project or options.group)
    return "/personal_access_tokens" if is_personal else f"{place(options)}/access_tokens"


async def create_token(api: Api, options: argparse.Namespace) -> None:
    """Create a token. Only its text goes to standard output, so scripts can capture it."""
    fields: dict[str, object] = {
        "name": options.name,
        "scopes": options.scopes or ["api"],
        "expires_at": options.expires_at,
    }
    if options.project or options.group:
        path, level = _tokens(options), {"access_level": ROLES[options.access_level]}
        made = await api.send("POST", path, fields | level)
    else:
        user = await api.user_id(options.user) if options.user else await _own_id(api)
        made = await api.send("POST", f"/users/{user}/personal_access_tokens", fields)
    _show(made)


async def _own_id(api: Api) -> int:
    return int((await api.send("GET", "/user"))["id"])


async def list_tokens(api: Api, options: argparse.Namespace) -> None:
    """Print a list of tokens, without their texts: the server does not store them."""
    query = {"user_id": str(await api.user_id(options.user))} if options.user else {}
    found = [each async for each in api.all(_tokens(options), **query)]
    columns = {
        **{name: name for name in ("id", "name", "scopes", "active")},
        "user": "user_id",
        "expires": "expires_at",
        "last used": "last_used_at",
    }
    tables.show(found, columns, options, "There are no such tokens.")


async def revoke_token(api: Api, options: argparse.Namespace) -> None:
    """Revoke a token."""
    await api.send("DELETE", f"{_tokens(options)}/{encoded(options.token_id)}")
    print(f"Token {options.token_id} is revoked")


async def rotate_token(api: Api, options: argparse.Namespace) -> None:
    """Revoke a token and print its successor."""
    path = f"{_tokens(options)}/{encoded(options.token_id)}/rotate"
    _show(await api.send("POST", path, {"expires_at": options.expires_at}))


def _show(made: dict[str, object]) -> None:
    # The label goes to standard error: `token=$(warren token create …)` captures the token alone.
    print(f"Token {made['id']}, shown this once:", file=sys.stderr)
    print(made["token"])
