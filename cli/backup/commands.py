"""Takes and restores backups.

Schemas are written first. A schema that refers to others is written before them; each is a snapshot of its own
moment. The bucket comes last: artifacts exist before the rows that refer to them, and only a purge or a client's
deletion removes them. So the bucket has all artifacts of the snapshots, unless some are removed during the backup.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import urllib3
from minio.error import MinioException

from cli.backup import bucket, database
from cli.backup.manifest import Manifest
from cli.backup.settings import BackupSettings
from shared.contracts.errors import DomainError, ErrorCode, invalid

_FAULTS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    MinioException,
    urllib3.exceptions.HTTPError,
)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn errors of servers and of the disk into a DomainError."""
    try:
        yield
    except _FAULTS as error:
        message = f"{what} failed: {error}"
        raise DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message) from error


async def take(settings: BackupSettings, directory: Path) -> Manifest:
    """Write a backup to a new or empty directory. Raises DomainError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise invalid(f"{directory} is not empty.")
    # A directory of another user, such as a mount point, keeps its mode. The files in it are
    # private anyway.
    with suppress(PermissionError):
        directory.chmod(0o700)
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    schemas = {
        service: await database.dump(dsn, service, directory / service)
        for service, dsn in settings.dsns().items()
    }
    stored = await asyncio.to_thread(bucket.dump, settings.s3, directory)
    manifest = Manifest(taken=taken, schemas=schemas, bucket=stored)
    manifest.write(directory)
    return manifest


async def restore(settings: BackupSettings, directory: Path) -> Manifest:
    """Fill empty servers from a backup. Artifacts come before the rows that refer to them. Raises DomainError."""
    manifest = Manifest.read(directory)
    dsns = settings.dsns()
    if set(manifest.schemas) != set(dsns):
        had, given = (", ".join(sorted(each)) for each in (manifest.schemas, dsns))
        raise invalid(f"The backup is of {had}, and the databases of {given} are given.")
    # All databases are checked before anything is written.
    for service, dsn in dsns.items():
        await database.check(dsn, service, manifest.schemas[service])
    await asyncio.to_thread(bucket.load, settings.s3, directory, manifest.bucket)
    for service, dsn in dsns.items():
        await database.load(dsn, service, manifest.schemas[service], directory / service)
    return manifest
