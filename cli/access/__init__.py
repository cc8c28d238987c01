"""``warren project``, ``group``, ``user``, ``member`` and ``token``: manage access."""

from cli.access import members, places, tokens, users
from cli.access.parsing import Parsers, noun


def add_to(commands: Parsers) -> None:
    """Add these commands to the command line."""
    projects = noun(commands, "project", "projects, each with its own experiments and models")
    places.add_projects(projects)
    places.add_groups(noun(commands, "group", "groups of projects"))
    users.add_users(noun(commands, "user", "users"))
    members.add_members(noun(commands, "member", "roles of users in projects and groups"))
    tokens.add_tokens(noun(commands, "token", "access tokens"))
