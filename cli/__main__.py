"""``warren <command>``, or ``python -m cli <command>``."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from cli import access, dead_letters, doctor, gc
from cli.backup import arguments as backup
from shared.contracts.errors import DomainError
from shared.runtime.logs import configure_logging
from shared.runtime.settings import (
    PREFIX,
    ProcessSettings,
    WrongSettingsError,
    exit_with,
    read_environment,
)
from shared.runtime.version import VERSION

INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    described = argparse.ArgumentParser(
        prog="warren",
        description="Look after a running Warren.",
        epilog=f"project, group, user, member and token speak HTTP: they read {PREFIX}URL and the access token "
        f"{PREFIX}TOKEN. The others reach the servers directly: they read the variables of the services.",
    )
    described.add_argument("--version", action="version", version=f"warren {VERSION}")
    commands = described.add_subparsers(required=True, metavar="command")
    backup.add_to(commands)
    dead_letters.add_to(commands)
    doctor.add_to(commands)
    gc.add_to(commands)
    access.add_to(commands)
    return described


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status. An error exits with 1 and a message."""
    options = parser().parse_args(arguments)
    configure_logging("cli", "error")
    try:
        settings = read_environment(ProcessSettings)
        code = asyncio.run(options.run(options, settings))
        sys.stdout.flush()
    except WrongSettingsError as error:
        exit_with(error.message)
    except DomainError as error:
        sys.exit(error.message)
    except KeyboardInterrupt:
        print("Interrupted. The same command continues where this one stopped.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of the output has closed it, as `head` does. Redirecting to null lets Python's
        # final flush succeed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    main()
