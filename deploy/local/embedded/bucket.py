"""The bucket of the embedded S3 server: the administrator makes it, the artifacts service uses it."""

import asyncio
from dataclasses import asdict

from deploy.local.embedded.process import ProcessFailedError
from deploy.local.embedded.s3 import EmbeddedS3
from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore
from services.artifacts.store.objects import StorageUnavailableError

BUCKET: str = S3Settings.model_fields["bucket"].default

_SECONDS = 20.0
_PAUSE_SECONDS = 0.2


async def provision_bucket(server: EmbeddedS3) -> S3Settings:
    """Make the server's bucket if it is missing, and return the settings of its user.

    The user could not make it: its keys open this bucket alone. Raises ProcessFailedError.
    """
    administrator = MinioStore(_settings(server, asdict(server.credentials)))
    try:
        async with asyncio.timeout(_SECONDS):
            await _make(administrator)
    except TimeoutError:
        message = (
            f"the embedded S3 server did not make the bucket {server.bucket}; see {server.log}"
        )
        raise ProcessFailedError(message) from None
    finally:
        administrator.close()
    return _settings(server, asdict(server.bucket_credentials))


async def _make(administrator: MinioStore) -> None:
    while True:
        try:
            return await administrator.ensure_bucket()
        except StorageUnavailableError:
            await asyncio.sleep(_PAUSE_SECONDS)


def _settings(server: EmbeddedS3, keys: dict[str, str]) -> S3Settings:
    return S3Settings(endpoint=server.endpoint, bucket=server.bucket, **keys)
