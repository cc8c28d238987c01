import itertools

import aiohttp
import pytest

from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore

_numbers = itertools.count(1)


@pytest.fixture
def s3_settings(s3):
    """Give each test a bucket of its own, which is not made yet."""
    keys = s3.credentials
    return S3Settings(
        endpoint=s3.endpoint,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        bucket=f"test-{next(_numbers)}",
    )


@pytest.fixture
async def store(s3_settings):
    made = MinioStore(s3_settings)
    await made.ensure_bucket()
    yield made
    made.close()


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session
