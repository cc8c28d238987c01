"""Uploads in parts."""

import pytest

from shared.contracts.errors import ErrorCode
from tests.unit.artifacts.conftest import LIMIT, ROOT


async def create(ask, **fields):
    named = {"artifact_path": ROOT, "path": "/home/me/big.bin"}
    return await ask("CreateMultipartUpload", **named, **fields)


async def test_upload_in_parts_becomes_one_object(ask, store):
    reply = await create(ask, num_parts=2)
    assert [c["part_number"] for c in reply["credentials"]] == [1, 2]
    assert all(c["url"].startswith(f"http://public/{ROOT}/big.bin?") for c in reply["credentials"])
    upload_id = reply["upload_id"]
    parts = [
        {"part_number": number, "etag": store.send_part(upload_id, number, body)}
        for number, body in ((1, b"one"), (2, b"two"))
    ]
    done = {"artifact_path": ROOT, "path": "big.bin", "upload_id": upload_id, "parts": parts}
    assert await ask("CompleteMultipartUpload", **done) == {}
    assert store.objects == {f"{ROOT}/big.bin": b"onetwo"}
    # The answer was lost and the client asks again.
    assert await ask("CompleteMultipartUpload", **done) == {}


async def test_unknown_upload_is_not_completed(ask, store):
    parts = [{"part_number": 1, "etag": "0" * 32}]
    named = {"artifact_path": ROOT, "path": "big.bin", "upload_id": "nothing", "parts": parts}
    assert await ask("CompleteMultipartUpload", **named) == ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_upload_of_another_path_is_out_of_reach(ask, store):
    reply = await create(ask)
    etag = store.send_part(reply["upload_id"], 1, b"x")
    named = {"artifact_path": f"{ROOT}/other", "path": "x", "upload_id": reply["upload_id"]}
    parts = [{"part_number": 1, "etag": etag}]
    code = await ask("CompleteMultipartUpload", **named, parts=parts)
    assert code == ErrorCode.RESOURCE_DOES_NOT_EXIST


async def test_too_large_an_upload_is_refused_and_forgotten(ask, store):
    upload_id = (await create(ask))["upload_id"]
    etag = store.send_part(upload_id, 1, b"x" * (LIMIT + 1))
    named = {"artifact_path": ROOT, "path": "big.bin", "upload_id": upload_id}
    parts = [{"part_number": 1, "etag": etag}]
    code = await ask("CompleteMultipartUpload", **named, parts=parts)
    assert code == ErrorCode.INVALID_PARAMETER_VALUE
    assert not store.uploads
    assert not store.objects


@pytest.mark.parametrize("upload_id", [".", "..", "...", "a/b", "", "a" * 1025])
@pytest.mark.parametrize("name", ["CompleteMultipartUpload", "AbortMultipartUpload"])
async def test_text_that_is_no_upload_id_is_refused(ask, name, upload_id):
    named = {"artifact_path": ROOT, "path": "a", "upload_id": upload_id}
    parts = [{"part_number": 1, "etag": "e"}]
    assert await ask(name, **named, parts=parts) == ErrorCode.INVALID_PARAMETER_VALUE


async def test_aborting_twice_is_fine(ask, store):
    named = {"artifact_path": ROOT, "path": "big.bin"}
    named["upload_id"] = (await create(ask))["upload_id"]
    assert await ask("AbortMultipartUpload", **named) == {}
    assert await ask("AbortMultipartUpload", **named) == {}
    assert not store.uploads


@pytest.mark.parametrize(
    ("local", "name"),
    [("a.bin", "a.bin"), ("/tmp/a b.bin", "a b.bin"), (r"C:\data\a.bin", "a.bin"), ("C:x", "c:x")],
)
async def test_name_is_the_last_part_of_the_clients_path(ask, store, local, name):
    await ask("CreateMultipartUpload", artifact_path=f"{ROOT}/d", path=local)
    assert store.signatures[0].key == f"{ROOT}/d/{name}"


@pytest.mark.parametrize("local", ["dir/", "..", "/", r"dir\a.bin"])
async def test_clients_path_without_a_usable_name_is_refused(ask, store, local):
    code = await ask("CreateMultipartUpload", artifact_path=ROOT, path=local)
    assert code == ErrorCode.INVALID_PARAMETER_VALUE
    assert not store.uploads


@pytest.mark.parametrize("number", [0, -1, 10_001])
async def test_number_of_parts_is_bounded(ask, store, number):
    assert await create(ask, num_parts=number) == ErrorCode.INVALID_PARAMETER_VALUE
