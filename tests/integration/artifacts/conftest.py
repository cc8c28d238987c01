import itertools
from contextlib import ExitStack

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
async def open_store(s3, s3_settings):
    """Make the bucket as the administrator; return what opens it by the keys of a user who can't make one."""
    administrator = MinioStore(s3_settings)
    await administrator.ensure_bucket()
    administrator.close()
    keys = s3.bucket_credentials
    narrow = {"access_key": keys.access_key, "secret_key": keys.secret_key}
    with ExitStack() as opened:

        def open_store(**limits):
            store = MinioStore(s3_settings.model_copy(update=narrow), **limits)
            opened.callback(store.close)
            return store

        yield open_store


@pytest.fixture
def store(open_store):
    """The bucket, with pages as long as in production."""
    return open_store()


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session
