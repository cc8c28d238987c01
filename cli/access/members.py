"""``warren member``."""

import argparse

from cli import tables
from cli.access.parsing import Parsers, add_expiry, add_place, listing, place, verb
from cli.access.roles import NAMES, ROLES
from cli.api import Api


def add_members(parsers: Parsers) -> None:
    """Add ``warren member`` and its commands."""
    add = verb(parsers, "add", add_member, "give a user a role, or another one")
    add.add_argument("username")
    add.add_argument("access_level", choices=ROLES, metavar="role", help=", ".join(ROLES))
    add_expiry(add, "the day on which the role ends")
    remove = verb(parsers, "remove", remove_member, "take a user's role away")
    remove.add_argument("username")
    members = listing(parsers, list_members, "list who has a role")
    members.add_argument(
        "--inherited", action="store_true", help="with the roles of the groups around"
    )
    for each in (add, remove, members):
        add_place(each, required=True)


async def add_member(api: Api, options: argparse.Namespace) -> None:
    """Give a user a role."""
    number = await api.user_id(options.username)
    fields = {"access_level": ROLES[options.access_level], "expires_at": options.expires_at}
    members = f"{place(options)}/members"
    held = [each["id"] async for each in api.all(members)]
    if number in held:
        await api.send("PUT", f"{members}/{number}", fields)
    else:
        await api.send("POST", members, {"user_id": number, **fields})
    print(f"{options.username} is {options.access_level} of {options.project or options.group}")


async def remove_member(api: Api, options: argparse.Namespace) -> None:
    """Remove a member."""
    number = await api.user_id(options.username)
    await api.send("DELETE", f"{place(options)}/members/{number}")
    print(f"{options.username} has no role of {options.project or options.group} any more")


async def list_members(api: Api, options: argparse.Namespace) -> None:
    """Print a list of members."""
    path = f"{place(options)}/members" + ("/all" if options.inherited else "")
    found = [{**each, "role": NAMES[each["access_level"]]} async for each in api.all(path)]
    columns = {"id": "id", "username": "username", "role": "role", "expires": "expires_at"}
    tables.show(found, columns, options, f"{options.project or options.group} has no members.")
