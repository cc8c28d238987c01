"""Signed URLs: what they allow, for how long, and for whom they are signed."""

from datetime import timedelta

import pytest

from services.artifacts.handlers import HANDLERS
from services.artifacts.handlers.context import UrlLifetimes
from services.artifacts.processor import StorageProcessor
from shared.contracts.errors import ErrorCode
from tests.unit.artifacts.conftest import LIMIT, ROOT, URI, asks


async def test_presigned_url_for_the_gateway_is_signed_for_the_inner_address(ask, store):
    reply = await ask("PresignArtifact", method="PUT", path=f"{ROOT}/a")
    assert reply == {"url": f"http://inner/{ROOT}/a?", "name": "a"}
    assert (store.signatures[0].method, store.signatures[0].public) == ("PUT", False)


async def test_presigned_part_names_its_upload(ask, store):
    await ask("PresignArtifact", method="PUT", path="7/a", upload_id="u", part_number=3)
    assert store.signatures[0].query == {"uploadId": "u", "partNumber": "3"}


@pytest.mark.parametrize("fields", [{"method": "DELETE"}, {"upload_id": "../x"}, {"upload_id": ""}])
async def test_nonsense_is_not_signed(ask, store, fields):
    code = await ask("PresignArtifact", **{"method": "PUT", "path": "7/a"} | fields)
    assert code == ErrorCode.INVALID_PARAMETER_VALUE
    assert not store.signatures


async def test_download_url_is_public_tells_the_size_and_saves_under_the_name(ask, store):
    store.objects[f"{ROOT}/a b"] = b"123"
    reply = await ask("GetPresignedDownloadUrl", artifact_path=f"{ROOT}/a b")
    assert (reply["file_size"], reply["headers"]) == (3, {})
    assert reply["url"].startswith("http://public/")
    disposition = {"response-content-disposition": 'attachment; filename="a b"'}
    assert store.signatures[0].query == disposition


async def test_there_is_no_download_url_of_nothing(ask):
    code = await ask("GetPresignedDownloadUrl", artifact_path=f"{ROOT}/a")
    assert code == ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_urls_of_a_run(ask, store):
    store.objects[f"{ROOT}/a"] = b"123"
    named = {"run_id": "r", "path": "a", "artifact_uri": URI}
    down = await ask("CreatePresignedDownloadUrl", **named, expiration="60")
    assert (down["presigned_url"].partition("?")[0], down["file_size"]) == (
        f"http://public/{ROOT}/a",
        3,
    )
    up = await ask("CreatePresignedUploadUrl", **named | {"path": "b.txt"})
    assert up["headers"] == {"Content-Type": "text/plain"}
    assert [s.expires.total_seconds() for s in store.signatures] == [60, 900]


async def test_url_lives_no_longer_than_the_operator_allows(store):
    lifetimes = UrlLifetimes(whole=timedelta(minutes=1), parts=timedelta(minutes=20))
    ask = asks(StorageProcessor(store, HANDLERS, LIMIT, lifetimes))
    store.objects[f"{ROOT}/a"] = b"123"
    named = {"run_id": "r", "path": "a", "artifact_uri": URI}
    for name in ("CreatePresignedDownloadUrl", "CreatePresignedUploadUrl"):
        await ask(name, **named)
        assert await ask(name, **named, expiration=61) == ErrorCode.INVALID_PARAMETER_VALUE
    await ask("GetPresignedDownloadUrl", artifact_path=f"{ROOT}/a")
    await ask("CreateMultipartUpload", artifact_path=ROOT, path="big.bin", num_parts=2)
    assert [s.expires.total_seconds() for s in store.signatures] == [60, 60, 60, 1200, 1200]


@pytest.mark.parametrize("expiration", [0, -1, 901, 604_801])
async def test_lifetime_of_a_url_is_bounded(ask, expiration):
    for name in ("CreatePresignedDownloadUrl", "CreatePresignedUploadUrl"):
        named = {"run_id": "r", "path": "a", "artifact_uri": URI, "expiration": expiration}
        assert await ask(name, **named) == ErrorCode.INVALID_PARAMETER_VALUE
