"""``warren project`` and ``warren group``."""

import argparse

from services.cli import tables
from services.cli.access.parsing import Parsers, verb
from services.cli.api import Api, encoded


def add_projects(parsers: Parsers) -> None:
    """Describe what is done with projects."""
    create = verb(parsers, "create", create_project, "make a project")
    create.add_argument("path", help="its path, as name (among your own) or group/name")
    create.add_argument("--description", default="")
    create.add_argument(
        "--visibility", choices=("private", "internal", "public"), default="private"
    )
    verb(parsers, "list", list_projects, "list the projects that you see")


async def create_project(api: Api, options: argparse.Namespace) -> None:
    """Make a project and say how clients reach it."""
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
    print(f"Tracking URI: <Warren's address>/api/v4/projects/{made['id']}/ml/mlflow")


async def list_projects(api: Api, _options: argparse.Namespace) -> None:
    """Print projects."""
    rows = [
        (each["id"], each["path_with_namespace"], each["visibility"])
        async for each in api.all("/projects", order_by="path", sort="asc")
    ]
    print(tables.lines(("id", "path", "visibility"), rows))


def add_groups(parsers: Parsers) -> None:
    """Describe what is done with groups."""
    create = verb(parsers, "create", create_group, "make a group, whose owner you are")
    create.add_argument("path", help="its path, as name or group/name")
    verb(parsers, "list", list_groups, "list the groups that you see")


async def create_group(api: Api, options: argparse.Namespace) -> None:
    """Make a group."""
    above, _, name = options.path.rpartition("/")
    parent = await api.send("GET", f"/groups/{encoded(above)}") if above else {}
    fields = {"name": name, "path": name, "parent_id": parent.get("id")}
    made = await api.send("POST", "/groups", fields)
    print(f"Group {made['id']}: {made['full_path']}")


async def list_groups(api: Api, _options: argparse.Namespace) -> None:
    """Print groups."""
    rows = [
        (each["id"], each["full_path"], each["visibility"]) async for each in api.all("/groups")
    ]
    print(tables.lines(("id", "path", "visibility"), rows))
