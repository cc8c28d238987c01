"""The command lines of ``warren backup`` and ``warren restore``."""

import argparse
import os
from pathlib import Path

from cli.backup.commands import explained, restore, take
from cli.backup.manifest import Manifest
from cli.backup.settings import BackupSettings
from shared.runtime.settings import ProcessSettings, read_environment

VARIABLES = """\
The servers are found by the services' own variables: WARREN_TRACKING_DSN, WARREN_REGISTRY_DSN,
WARREN_TRACES_DSN and WARREN_ACCESS_DSN (where those services run), WARREN_S3_ENDPOINT, WARREN_S3_ACCESS_KEY,
WARREN_S3_SECRET_KEY, WARREN_S3_BUCKET.
"""
BACKUP = f"""\
Write every schema and every artifact to a new or empty directory, while Warren runs.

Each schema is written as it was at one moment: the registry's first, then traces', tracking's and
access's.
The bucket follows, so everything that a row refers to is in the backup. Don't run `warren gc` meanwhile:
what it deletes may be missing. An interrupted backup has no manifest.json, and restore refuses it.

{VARIABLES}"""
RESTORE = f"""\
Fill empty databases and an empty bucket from a backup, then migrate to this release.

The databases must hold no table of Warren, so no service may be running or have run. Each database is
filled completely or not at all. Start an interrupted restore again; first empty the databases that
have tables by then.

{VARIABLES}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands to the command line."""
    for name, help_, description, directory, run in (
        ("backup", "write everything to a directory", BACKUP, "a new or empty one", run_backup),
        ("restore", "fill empty servers from a backup", RESTORE, "of the backup", run_restore),
    ):
        described = commands.add_parser(
            name,
            help=help_,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        described.add_argument("directory", type=Path, help=directory)
        described.set_defaults(run=run)


async def run_backup(options: argparse.Namespace, _settings: ProcessSettings) -> int:
    """Write a backup. Raises DomainError."""
    # The files must not be readable for other users: their content is protected by passwords on the
    # servers.
    os.umask(0o077)
    with explained("The backup"):
        _tell("Written", await take(read_environment(BackupSettings), options.directory))
    return 0


async def run_restore(options: argparse.Namespace, _settings: ProcessSettings) -> int:
    """Restore a backup. Raises DomainError."""
    with explained("The restore"):
        _tell("Restored", await restore(read_environment(BackupSettings), options.directory))
    return 0


def _tell(verb: str, manifest: Manifest) -> None:
    for service, schema in manifest.schemas.items():
        rows = sum(table.rows for table in schema.tables)
        print(f"{verb}: {service}, {len(schema.tables)} tables, {rows} rows")
    print(f"{verb}: {manifest.bucket.objects} artifacts, {manifest.bucket.bytes} bytes")
