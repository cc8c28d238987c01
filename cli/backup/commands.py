"""Taking a backup and restoring one: which part comes after which, and why.

First the schemas, the ones that refer to others before those; each is a snapshot of its own moment.
Then the bucket: artifacts come before nothing and go only by ``warren gc``, so what a snapshot refers
to is in the bucket afterwards, unless somebody purges or deletes artifacts meanwhile.
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
    """Say in a DomainError what a server, or the disk, has refused."""
    try:
        yield
    except _FAULTS as error:
        message = f"{what} failed: {error}"
        raise DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message) from error


async def take(settings: BackupSettings, directory: Path) -> Manifest:
    """Write a backup to a directory that is new or empty. Raises DomainError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise invalid(f"{directory} is not empty.")
    # Another user's directory, say of a mounted disk, keeps its mode; the files in it are closed.
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
    """Fill empty servers from a backup: artifacts before the rows that name them. Raises DomainError."""
    manifest = Manifest.read(directory)
    dsns = settings.dsns()
    if set(manifest.schemas) != set(dsns):
        had, given = (", ".join(sorted(each)) for each in (manifest.schemas, dsns))
        raise invalid(f"The backup is of {had}, and the databases of {given} are given.")
    for service, dsn in dsns.items():
        await database.check(dsn, service, manifest.schemas[service])
    await asyncio.to_thread(bucket.load, settings.s3, directory, manifest.bucket)
    for service, dsn in dsns.items():
        await database.load(dsn, service, manifest.schemas[service], directory / service)
    return manifest
