"""How these commands are described on a command line."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from services.cli.api import DEFAULT_URL, TOKEN_VARIABLE, URL_VARIABLE, Api, connection, encoded
from shared.settings import ProcessSettings

EPILOG = f"""\
environment:
  {URL_VARIABLE}    where Warren is (default: {DEFAULT_URL})
  {TOKEN_VARIABLE}  an access token; the administrator's is WARREN_ROOT_TOKEN, or was printed
                by the first start
"""

Work = Callable[[Api, argparse.Namespace], Awaitable[None]]
Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # It has no public name.


def noun(commands: Parsers, name: str, text: str) -> Parsers:
    """Describe a command that has commands."""
    described = commands.add_parser(name, help=f"manage {text}", description=f"Manage {text}.")
    return described.add_subparsers(required=True, metavar="command")


def verb(parsers: Parsers, name: str, work: Work, text: str) -> argparse.ArgumentParser:
    """Describe a command that does something."""
    described = parsers.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    async def run(options: argparse.Namespace, _settings: ProcessSettings) -> None:
        async with connection() as api:
            await work(api, options)

    described.set_defaults(run=run)
    return described


def add_place(command: argparse.ArgumentParser, *, required: bool) -> None:
    """Let a command name a project or a group."""
    named = command.add_mutually_exclusive_group(required=required)
    named.add_argument("--project", metavar="ID|PATH", help="in or of this project")
    named.add_argument("--group", metavar="ID|PATH", help="in or of this group")


def place(options: argparse.Namespace) -> str:
    """Return the path of what was named."""
    if options.project:
        return f"/projects/{encoded(options.project)}"
    return f"/groups/{encoded(options.group)}"
