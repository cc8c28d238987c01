"""``warren project`` and ``warren group``."""

import argparse

from cli import tables
from cli.access.parsing import Parsers, listing, verb
from cli.api import Api, encoded


def add_projects(parsers: Parsers) -> None:
    """Add ``warren project`` and its commands."""
    create = verb(parsers, "create", create_project, "make a project")
    create.add_argument("path", help="its path, as name (among your own) or group/name")
    create.add_argument("--description", default="", help="what it is for")
    create.add_argument(
        "--visibility",
        choices=("private", "internal", "public"),
        default="private",
        help="visibility: members, all users, or everyone (default: %(default)s)",
    )
    listing(parsers, list_projects, "list the projects that you see")


async def create_project(api: Api, options: argparse.Namespace) -> None:
    """Create a project and print how clients reach it."""
    above, _, name = options.path.rpartition("/")
    namespace = await api.send("GET", f"/groups/{encoded(above)}") if above else {}
    made = await api.send(
        "POST",
        "/projects",
        {
            "path": name,
            "namespace_id": namespace.get("id"),
            "description": options.description,
            "visibility": options.visibility,
        },
    )
    print(f"Project {made['id']}: {made['path_with_namespace']}")
    print(f"Tracking URI: {api.url}/api/v4/projects/{made['id']}/ml/mlflow")


async def list_projects(api: Api, options: argparse.Namespace) -> None:
    """Print a list of projects."""
    found = [each async for each in api.all("/projects", order_by="path", sort="asc")]
    columns = {"id": "id", "path": "path_with_namespace", "visibility": "visibility"}
    tables.show(found, columns, options, "There are no projects that you may see.")


def add_groups(parsers: Parsers) -> None:
    """Add ``warren group`` and its commands."""
    create = verb(parsers, "create", create_group, "make a group, whose owner you are")
    create.add_argument("path", help="its path, as name or group/name")
    listing(parsers, list_groups, "list the groups that you see")


async def create_group(api: Api, options: argparse.Namespace) -> None:
    """Create a group."""
    above, _, name = options.path.rpartition("/")
    parent = await api.send("GET", f"/groups/{encoded(above)}") if above else {}
    fields = {"name": name, "path": name, "parent_id": parent.get("id")}
    made = await api.send("POST", "/groups", fields)
    print(f"Group {made['id']}: {made['full_path']}")


async def list_groups(api: Api, options: argparse.Namespace) -> None:
    """Print a list of groups."""
    found = [each async for each in api.all("/groups")]
    columns = {"id": "id", "path": "full_path", "visibility": "visibility"}
    tables.show(found, columns, options, "There are no groups that you may see.")
