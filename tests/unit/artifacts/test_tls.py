"""An S3 server with a certificate."""

import pytest
from aiohttp import web

from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore
from services.artifacts.store.objects import StorageUnavailableError
from services.gateway.artifacts.storage import Storage
from shared.contracts.errors import DomainError, ErrorCode
from tests.tls_server import TlsServer


@pytest.fixture
def tls(tmp_path):
    return TlsServer(tmp_path)


@pytest.fixture
async def endpoint(tls):
    async def serve(_request):
        return web.Response(text="content")

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.context).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def store_of(endpoint):
    stores = []

    def make(ca_file):
        keys = {"access_key": "a", "secret_key": "s"}
        stores.append(MinioStore(S3Settings(endpoint=endpoint, ca_file=ca_file, **keys)))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
async def storage_of():
    storages = []

    def make(ca_file):
        storages.append(Storage(ca_file))
        return storages[-1]

    yield make
    for storage in storages:
        await storage.close()


async def test_store_trusts_the_authority_that_it_is_given(store_of, tls):
    assert await store_of(tls.ca).has_bucket()


async def test_store_trusts_no_other(store_of, tls):
    for ca_file in (None, tls.other_ca):
        with pytest.raises(StorageUnavailableError):
            await store_of(ca_file).has_bucket()


async def test_gateway_trusts_the_authority_that_it_is_given(storage_of, endpoint, tls):
    async with storage_of(tls.ca).read("GET", f"{endpoint}/b/k", {}) as answer:
        assert await answer.read() == b"content"


async def test_gateway_trusts_no_other(storage_of, endpoint, tls):
    for ca_file in (None, tls.other_ca):
        with pytest.raises(DomainError) as refused:
            async with storage_of(ca_file).read("GET", f"{endpoint}/b/k", {}):
                pass
        assert refused.value.code is ErrorCode.TEMPORARILY_UNAVAILABLE


def test_file_that_is_none_is_noticed_at_the_start(tmp_path):
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(OSError, match=r"."):
        Storage(tmp_path / "empty.pem")
    with pytest.raises(OSError, match=r"No such file"):
        Storage(tmp_path / "missing.pem")
