"""Building blocks of the commands' parsers."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from cli.api import DEFAULT_URL, TOKEN_VARIABLE, URL_VARIABLE, Api, connection, encoded
from cli.api_errors import ApiError, CommandLine, explain
from cli.tables import add_json
from shared.contracts.errors import DomainError
from shared.runtime.settings import ProcessSettings

EPILOG = f"""\
environment:
  {URL_VARIABLE}    where Warren is (default: {DEFAULT_URL})
  {TOKEN_VARIABLE}  an access token; the administrator's is WARREN_ROOT_TOKEN, or was printed
                by the first start
"""

Work = Callable[[Api, argparse.Namespace], Awaitable[None]]
Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # It has no public name.


def noun(commands: Parsers, name: str, text: str) -> Parsers:
    """Add a command that has subcommands."""
    described = commands.add_parser(name, help=f"manage {text}", description=f"Manage {text}.")
    return described.add_subparsers(required=True, metavar="command")


def verb(parsers: Parsers, name: str, work: Work, text: str) -> argparse.ArgumentParser:
    """Add a subcommand that runs ``work``.

    An argument that is a field of the API has the field's name as ``dest``. An error about the field can then name
    the argument.
    """
    described = parsers.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    async def run(options: argparse.Namespace, _settings: ProcessSettings) -> None:
        try:
            async with connection() as api:
                await work(api, options)
        except ApiError as error:
            message = explain(error, CommandLine(described, options))
            raise DomainError(error.code, message) from None

    described.set_defaults(run=run)
    return described


def listing(parsers: Parsers, work: Work, text: str) -> argparse.ArgumentParser:
    """Add a subcommand that prints a list."""
    described = verb(parsers, "list", work, text)
    add_json(described)
    return described


def add_expiry(command: argparse.ArgumentParser, help_: str) -> None:
    """Add ``--expires``."""
    command.add_argument("--expires", dest="expires_at", metavar="YYYY-MM-DD", help=help_)


def add_place(command: argparse.ArgumentParser, *, required: bool) -> None:
    """Add ``--project`` and ``--group``."""
    named = command.add_mutually_exclusive_group(required=required)
    named.add_argument("--project", metavar="ID|PATH", help="in or of this project")
    named.add_argument("--group", metavar="ID|PATH", help="in or of this group")


def place(options: argparse.Namespace) -> str:
    """Return the API's path of the given project or group."""
    if options.project:
        return f"/projects/{encoded(options.project)}"
    return f"/groups/{encoded(options.group)}"
