"""The calls of the service to a real S3 server. A change of the SDK's private methods shows here."""

import asyncio
from datetime import timedelta

import pytest
from minio import Minio
from yarl import URL

from deploy.local.embedded.process import free_ports
from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore
from services.artifacts.store.objects import (
    BadRequestError,
    NoSuchObjectError,
    NoSuchUploadError,
    Part,
    Signature,
    StorageUnavailableError,
)

SOON = timedelta(minutes=5)
PART = b"p" * (5 * 1024**2)


def signed(store, method, key, **query):
    return URL(store.presign(Signature(method, key, SOON, query=query)), encoded=True)


async def put(http, store, key, body=b"content", **query):
    async with http.put(signed(store, "PUT", key, **query), data=body) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["ETag"].strip('"')


async def names(store, directory):
    return [(e.name, e.size) for e in (await store.page(directory)).entries]


async def test_bucket_is_made_once_and_abandoned_uploads_expire(store, s3_settings):
    await store.ensure_bucket()
    keys = (s3_settings.access_key, s3_settings.secret_key)
    host = s3_settings.endpoint.removeprefix("http://")
    client = Minio(host, *keys, secure=False, region="us-east-1")
    [rule] = client.get_bucket_lifecycle(s3_settings.bucket).rules
    assert rule.abort_incomplete_multipart_upload.days_after_initiation == 7


async def test_two_processes_may_make_the_bucket_at_once(s3_settings):
    stores = [MinioStore(s3_settings) for _ in range(4)]
    await asyncio.gather(*(each.ensure_bucket() for each in stores))
    assert await names(stores[0], "1") == []


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "with space",
        " edge ",
        "größe-模型-🐇",
        "100%",
        "100%25",
        "%2e%2e%2f",
        "a+b",
        "a#b?c",
        "(1)&=;'\"",
        "...",
    ],
)
async def test_object_is_read_and_listed_under_the_very_name_that_it_was_written_under(
    http, store, name
):
    key = f"1/dir/{name}"
    etag = await put(http, store, key)
    async with http.get(signed(store, "GET", key)) as answer:
        assert await answer.read() == b"content"
    assert await names(store, "1/dir") == [(name, 7)]
    assert await store.size(key) == 7
    assert await store.etag(key) == etag


async def test_url_is_signed_for_one_method_and_one_key(http, store):
    await put(http, store, "1/a")
    url = signed(store, "GET", "1/a")
    for method, target in (("PUT", url), ("DELETE", url), ("GET", url.with_path("/x/1/b"))):
        async with http.request(method, target) as answer:
            assert answer.status == 403
    async with http.get(url) as answer:
        assert answer.status == 200


async def test_url_for_clients_names_the_public_address(s3_settings):
    public = s3_settings.model_copy(update={"public_endpoint": "https://files.example:8443/"})
    store = MinioStore(public)
    inner = store.presign(Signature("GET", "1/a b", SOON))
    outer = store.presign(Signature("GET", "1/a b", SOON, public=True))
    assert inner.startswith(f"{s3_settings.endpoint}/{s3_settings.bucket}/1/a%20b?")
    assert outer.startswith(f"https://files.example:8443/{s3_settings.bucket}/1/a%20b?")


async def test_presigning_does_no_io():
    [port] = free_ports(1)
    nowhere = S3Settings(endpoint=f"http://127.0.0.1:{port}", access_key="a", secret_key="b")
    assert MinioStore(nowhere).presign(Signature("GET", "1/a", SOON))


async def test_object_and_directory_of_one_name_live_side_by_side(http, store):
    await put(http, store, "1/a")
    await put(http, store, "1/a/b")
    assert sorted(await names(store, "1"), key=str) == [("a", 7), ("a", None)]
    assert await names(store, "1/a") == [("b", 7)]


async def test_long_directory_comes_in_pages_without_a_gap(http, open_store):
    store = open_store(page_entries=7)
    for number in range(10):
        await put(http, store, f"1/{number:02}")
        await put(http, store, f"1/{number:02}d/x")
    found, token = [], ""
    while True:
        page = await store.page("1", token)
        assert len(page.entries) <= 7
        found += [entry.name for entry in page.entries]
        token = page.next_token
        if not token:
            break
    assert sorted(found) == sorted(
        f"{number:02}{kind}" for number in range(10) for kind in ("", "d")
    )


async def test_missing_object_is_said_to_be(store):
    with pytest.raises(NoSuchObjectError):
        await store.size("1/nothing")


async def test_deletion_takes_the_directory_and_leaves_its_neighbours(http, open_store):
    store = open_store(page_entries=2)
    for name in ("dir", "dir/a", "dir/b/c", "dir/b/d/e", "dir/f", "dirty", "di"):
        await put(http, store, f"1/{name}")
    await store.delete("1/dir")
    assert await names(store, "1") == [("di", 7), ("dirty", 7)]
    assert await names(store, "1/dir") == []
    await store.delete("1/dir")


async def test_parts_are_no_object_before_they_are_complete(http, store):
    upload_id = await store.begin_upload("1/big")
    etags = [
        await put(http, store, "1/big", body, uploadId=upload_id, partNumber=str(number))
        for number, body in ((1, PART), (2, b"end"))
    ]
    assert await names(store, "1") == []
    parts = await store.parts("1/big", upload_id)
    assert [(part.number, part.size) for part in parts] == [(1, len(PART)), (2, 3)]
    await store.complete_upload(
        "1/big", upload_id, [Part(number + 1, etag) for number, etag in enumerate(etags)]
    )
    assert await names(store, "1") == [("big", len(PART) + 3)]


async def test_aborted_upload_leaves_nothing(http, store):
    upload_id = await store.begin_upload("1/big")
    await put(http, store, "1/big", PART, uploadId=upload_id, partNumber="1")
    await store.abort_upload("1/big", upload_id)
    with pytest.raises(NoSuchUploadError):
        await store.parts("1/big", upload_id)
    assert await names(store, "1") == []


async def test_upload_belongs_to_its_key(store):
    upload_id = await store.begin_upload("1/big")
    with pytest.raises(NoSuchUploadError):
        await store.parts("2/stolen", upload_id)


async def test_part_that_was_not_sent_is_refused(http, store):
    upload_id = await store.begin_upload("1/big")
    await put(http, store, "1/big", PART, uploadId=upload_id, partNumber="1")
    with pytest.raises((BadRequestError, NoSuchUploadError)):
        await store.complete_upload("1/big", upload_id, [Part(1, "0" * 32)])
    assert await names(store, "1") == []


async def test_storage_that_is_away_is_said_to_be_soon():
    [port] = free_ports(1)
    away = MinioStore(
        S3Settings(endpoint=f"http://127.0.0.1:{port}", access_key="a", secret_key="b")
    )
    async with asyncio.timeout(5):
        for call in (
            away.size("1/a"),
            away.page("1"),
            away.delete("1/a"),
            away.begin_upload("1/a"),
        ):
            with pytest.raises(StorageUnavailableError):
                await call


async def test_wrong_keys_are_the_operators_business(s3_settings):
    stranger = MinioStore(s3_settings.model_copy(update={"secret_key": "wrong"}))
    with pytest.raises(StorageUnavailableError):
        await stranger.ensure_bucket()
