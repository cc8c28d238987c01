"""The servers that the services need: given ones if settings have their address, else embedded ones."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from deploy.local.embedded.bucket import BUCKET, provision_bucket
from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.local.embedded.private import restrict_data
from deploy.local.embedded.provision import provision_services
from deploy.local.embedded.s3 import EmbeddedS3
from deploy.local.standalone.settings import StandaloneSettings
from services.artifacts.settings import S3Settings


@dataclass(frozen=True)
class Servers:
    """Addresses of the servers; ``dsns`` has one per service."""

    dsns: Mapping[str, str]
    s3: S3Settings


@asynccontextmanager
async def servers(
    settings: StandaloneSettings, on_postgres: Iterable[str]
) -> AsyncIterator[Servers]:
    """Run the servers that were not given, concurrently, until the block ends.

    ``on_postgres`` names the services that have a schema.
    """
    postgres = EmbeddedPostgres(settings.data / "postgres")
    s3 = EmbeddedS3(settings.data / "s3", bucket=BUCKET)
    own: list[EmbeddedPostgres | EmbeddedS3] = []
    if not settings.postgres_dsn:
        own.append(postgres)
    if not settings.s3:
        own.append(s3)
    if own:
        restrict_data(settings.data)
    try:
        async with asyncio.TaskGroup() as group:
            for server in own:
                group.create_task(server.start())
        dsns: Mapping[str, str] = dict.fromkeys(on_postgres, settings.postgres_dsn)
        if postgres in own:
            dsns = await provision_services(postgres, dsns)
        yield Servers(dsns, settings.s3 or await provision_bucket(s3))
    finally:
        await asyncio.gather(*(server.stop() for server in own))
