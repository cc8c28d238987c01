"""``warren user``."""

import argparse

from services.cli import tables
from services.cli.access.parsing import Parsers, verb
from services.cli.api import Api


def add_users(parsers: Parsers) -> None:
    """Describe what is done with users."""
    create = verb(parsers, "create", create_user, "make a user, who needs a role and a token next")
    create.add_argument("username")
    create.add_argument("--name", help="as people write it (default: the username)")
    create.add_argument("--email", default="")
    create.add_argument("--admin", action="store_true", help="may do everything everywhere")
    verb(parsers, "list", list_users, "list users")


async def create_user(api: Api, options: argparse.Namespace) -> None:
    """Make a user."""
    fields = {
        "username": options.username,
        "name": options.name,
        "email": options.email,
        "admin": options.admin,
    }
    made = await api.send("POST", "/users", fields)
    print(f"User {made['id']}: {made['username']}")


async def list_users(api: Api, _options: argparse.Namespace) -> None:
    """Print users."""
    rows = [
        (each["id"], each["username"], each["name"], each["state"], each["is_admin"])
        async for each in api.all("/users")
    ]
    print(tables.lines(("id", "username", "name", "state", "admin"), rows))
