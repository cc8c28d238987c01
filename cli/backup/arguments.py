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
WARREN_ACCESS_DSN (where the access service runs), WARREN_S3_ENDPOINT, WARREN_S3_ACCESS_KEY,
WARREN_S3_SECRET_KEY, WARREN_S3_BUCKET.
"""
BACKUP = f"""\
Write every schema and every artifact to a new or empty directory, while Warren runs.

Each schema is written as it was at one moment, the registry's before tracking's, the bucket after
them: what a row refers to is in the backup. Only what is purged or deleted from the bucket while the
backup is taken may be missing from it, so don't run `warren gc` meanwhile. A backup that did not come
to its end has no manifest.json and is refused by restore.

{VARIABLES}"""
RESTORE = f"""\
Fill empty databases and an empty bucket from a backup, then migrate to this release.

No service may be running or have run: the databases must hold no Warren table. A restore that
was interrupted in the bucket may be begun again; of the databases each is filled completely or not at
all, and one that holds tables afterwards must be emptied first.

{VARIABLES}"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands to the command line."""
    for name, help_, description, run in (
        ("backup", "write everything to a directory", BACKUP, run_backup),
        ("restore", "fill empty servers from a backup", RESTORE, run_restore),
    ):
        described = commands.add_parser(
            name,
            help=help_,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        described.add_argument("directory", type=Path, help="where the backup is")
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
