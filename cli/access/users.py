"""``warren user``."""

import argparse

from cli import tables
from cli.access.parsing import Parsers, listing, verb
from cli.api import Api


def add_users(parsers: Parsers) -> None:
    """Add ``warren user`` and its commands."""
    create = verb(parsers, "create", create_user, "make a user, who needs a role and a token next")
    create.add_argument("username", help="letters, digits, and . _ - between them")
    create.add_argument("--name", help="as people write it (default: the username)")
    create.add_argument("--email", default="", help="an address, for people")
    create.add_argument("--admin", action="store_true", help="may do everything everywhere")
    listing(parsers, list_users, "list users")


async def create_user(api: Api, options: argparse.Namespace) -> None:
    """Create a user."""
    fields = {
        "username": options.username,
        "name": options.name,
        "email": options.email,
        "admin": options.admin,
    }
    made = await api.send("POST", "/users", fields)
    print(f"User {made['id']}: {made['username']}")


async def list_users(api: Api, options: argparse.Namespace) -> None:
    """Print a list of users."""
    found = [each async for each in api.all("/users")]
    columns = {name: name for name in ("id", "username", "name", "state")}
    # The API shows is_admin of other users only to administrators.
    if all("is_admin" in each for each in found):
        columns["admin"] = "is_admin"
    tables.show(found, columns, options, "There are no users.")
