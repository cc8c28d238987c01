import itertools

import aiohttp
import pytest

from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore

_numbers = itertools.count(1)


@pytest.fixture
def s3_settings(s3):
    """Give each test a bucket of its own, which is not made yet, and the administrator's keys."""
    keys = s3.credentials
    return S3Settings(
        endpoint=s3.endpoint,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        bucket=f"test-{next(_numbers)}",
    )


@pytest.fixture
async def store(s3, s3_settings):
    """Make the bucket as the administrator, and use it by the keys of a user who can't."""
    administrator = MinioStore(s3_settings)
    await administrator.ensure_bucket()
    administrator.close()
    keys = s3.bucket_credentials
    narrow = {"access_key": keys.access_key, "secret_key": keys.secret_key}
    made = MinioStore(s3_settings.model_copy(update=narrow))
    yield made
    made.close()


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session
