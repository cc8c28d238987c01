"""How these commands are described on a command line."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from cli.api import DEFAULT_URL, TOKEN_VARIABLE, URL_VARIABLE, Api, connection, encoded
from cli.refusals import Refused, Typed, sentence
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
    """Describe a command that has commands."""
    described = commands.add_parser(name, help=f"manage {text}", description=f"Manage {text}.")
    return described.add_subparsers(required=True, metavar="command")


def verb(parsers: Parsers, name: str, work: Work, text: str) -> argparse.ArgumentParser:
    """Describe a command that does something.

    Where an argument is a field of the API it has the field's name as ``dest``: by that a refusal of
    the field is told as one of the argument.
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
        except Refused as refused:
            said = sentence(refused, Typed(described, options))
            raise DomainError(refused.code, said) from None

    described.set_defaults(run=run)
    return described


def listing(parsers: Parsers, work: Work, text: str) -> argparse.ArgumentParser:
    """Describe a command that lists something."""
    described = verb(parsers, "list", work, text)
    add_json(described)
    return described


def add_expiry(command: argparse.ArgumentParser, help_: str) -> None:
    """Let a command take the day on which something ends."""
    command.add_argument("--expires", dest="expires_at", metavar="YYYY-MM-DD", help=help_)


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
