"""Paths that try to get out of their project: each is 400 or 404, and nothing is read or written."""

import asyncio
import json
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import aiohttp
import pytest

from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore
from services.artifacts.store.objects import Signature
from tests.integration.gateway.artifacts_api import Artifacts
from tests.rest import api

PROXY = "/api/2.0/mlflow-artifacts"

TAILS = {
    "parent": "1/../2/secret",
    "many parents": "1/../../../../etc/passwd",
    "parent at the end": "1/0/..",
    "encoded dots": "1/%2e%2e/2/secret",
    "encoded all": "1%2f%2e%2e%2f2%2fsecret",
    "double encoded": "1/%252e%252e/2/secret",
    "double encoded all": "1/%252e%252e%252f2%252fsecret",
    "triple encoded": "1/%25252e%25252e/2/secret",
    "current": "1/./0/x",
    "absolute": "/etc/passwd",
    "absolute encoded": "%2fetc%2fpasswd",
    "file URI": "file:///etc/passwd",
    "drive": "C:/windows/x",
    "drive in a run": "c%3A%2Fwindows",
    "NUL": "1/0/x%00.txt",
    "backslash": "1/..%5c2%5csecret",
    "backslash plain": "1\\..\\2\\secret",
    "encoded backslash twice": "1/..%255c2%255csecret",
    "another project": "2/secret",
    "project with a zero": "01/0/x",
    "another project encoded": "%32/secret",
    "another project encoded twice": "%2532/secret",
    "another project behind a newline": "%250a2/secret",
    "another project from a chosen path": "chosen/../2/secret",
    "all chosen paths of another project": "2/~/secret",
    "empty segment": "1//0/x",
    "empty segments": "1/////x",
    "slash at the end": "1/0/x/",
    "dot at the end": "1/0/.",
    "C1 control": "1/0/x%c2%85y",
    "too long": "1/" + "x" * 256,
    "too deep": "1/" + "/".join(["x" * 100] * 11),
    "SeaweedFS's uploads": "../warren-artifacts/.uploads/x",
    "nothing": "",
}


DIRECTORIES = [name for name in TAILS if name != "slash at the end"]
"""A directory may be written with a slash at its end."""


async def exchange(url, raw):
    """Send bytes as they are: HTTP libraries would clean them."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body


async def ask(url, method, target, body=b""):
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return await exchange(url, head.encode("latin-1") + body)


async def everything(store):
    """List all keys of the bucket with their sizes."""
    found, token = {}, ""
    while True:
        page = await store._run(store._page, "", "", token)
        found |= {entry.name: entry.size for entry in page.entries}
        token = page.next_token
        if not token:
            return found


@pytest.fixture(scope="module")
async def bucket(stack_warren):
    """Put secrets of project 2 into the bucket, past the server; in the end all must be as it was."""
    settings = stack_warren.recorded()["s3"]
    store = MinioStore(S3Settings(**settings))
    async with aiohttp.ClientSession() as session:
        for key in ("2/secret", "2/0/run/artifacts/secret"):
            url = store.presign(Signature("PUT", key, timedelta(minutes=1)))
            async with session.put(url, data=b"secret") as answer:
                assert answer.status == 200
    before = await everything(store)
    yield stack_warren.url
    assert await everything(store) == before
    store.close()


@pytest.mark.parametrize("name", TAILS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_proxy(bucket, name, method):
    target = f"{PROXY}/artifacts/{TAILS[name]}"
    status, head, body = await ask(bucket, method, target, b"x" if method == "PUT" else b"")
    assert status in (400, 404), body
    assert b"Set-Cookie" not in head
    assert b"secret" not in body.replace(TAILS[name].encode("latin-1"), b"").replace(
        b"2/secret", b""
    )


@pytest.mark.parametrize("name", DIRECTORIES)
async def test_deletion(bucket, name):
    status, _, body = await ask(bucket, "DELETE", f"{PROXY}/artifacts/{TAILS[name]}")
    assert status in (400, 404), body


@pytest.mark.parametrize("name", [name for name in DIRECTORIES if name != "nothing"])
async def test_list(bucket, name):
    target = f"{PROXY}/artifacts?path={TAILS[name].replace('+', '%2B')}"
    status, _, body = await ask(bucket, "GET", target)
    assert status in (400, 404), body


@pytest.mark.parametrize("name", [name for name in DIRECTORIES if name != "nothing"])
@pytest.mark.parametrize("operation", ["create", "complete", "abort"])
async def test_multipart(bucket, name, operation):
    body = {
        "path": "x",
        "upload_id": "abc",
        "num_parts": 1,
        "parts": [{"part_number": 1, "etag": "e"}],
    }
    target = f"{PROXY}/mpu/{operation}/{TAILS[name]}"
    status, _, answer = await ask(bucket, "POST", target, json.dumps(body).encode())
    assert status in (400, 404), answer


@pytest.mark.parametrize("name", TAILS)
async def test_presigned(bucket, name):
    status, _, body = await ask(bucket, "GET", f"{PROXY}/presigned/{TAILS[name]}")
    assert status in (400, 404), body
    assert b"X-Amz-Signature" not in body


INJECTION = "x%0d%0aSet-Cookie:%20a=b"

RELATIVE = {
    "parent": "../../../2/secret",
    "parents": "../../../../2/0/run/artifacts/secret",
    "encoded twice": "%252e%252e/%252e%252e/secret",
    "absolute": "/2/secret",
    "NUL": "a%00",
    "backslash": "..%5c..%5csecret",
    "backslash and dot": ".%5csecret",
    "empty": "",
    "slash at the end": "a/",
}


@pytest.mark.parametrize("name", RELATIVE)
@pytest.mark.parametrize(
    "route", ["GET /get-artifact", "POST /ajax-api/2.0/mlflow/upload-artifact"]
)
async def test_path_below_a_run(bucket, session, name, route):
    own = await Artifacts.of_new_run(session, bucket)
    method, path = route.split()
    target = f"{path}?run_uuid={own.run_id}&path={RELATIVE[name].replace(' ', '%20')}"
    status, head, body = await ask(bucket, method, target, b"x" if method == "POST" else b"")
    assert status in (400, 404), body
    assert b"\nX: y" not in head


@pytest.mark.parametrize("name", RELATIVE)
@pytest.mark.parametrize("kind", ["upload", "download"])
async def test_presigned_urls_of_a_run(bucket, session, name, kind):
    own = await Artifacts.of_new_run(session, bucket)
    body = {"run_id": own.run_id, "path": unquote(RELATIVE[name])}
    target = f"/api/2.0/mlflow/artifacts/presigned-{kind}-url"
    status, _, answer = await ask(bucket, "POST", target, json.dumps(body).encode())
    assert status in (400, 404), answer


async def test_experiment_that_points_into_another_project_reads_nothing_there(bucket, session):
    async with api(bucket) as rest:
        body = {"name": "thief", "artifact_location": "mlflow-artifacts:/2/0"}
        created = await rest.post("experiments/create", body)
        if created.status != 200:
            return  # The name is taken by an earlier run of this test.
        run_id = await rest.new_run(created.body["experiment_id"])
        assert (await rest.get("artifacts/list", run_id=run_id)).status == 404
    async with session.get(f"{bucket}/get-artifact?run_id={run_id}&path=secret") as answer:
        assert answer.status == 404


async def test_line_breaks_of_a_path_reach_no_header(bucket, session):
    own = await Artifacts.of_new_run(session, bucket)
    run = f"run_uuid={own.run_id}"
    for put, get in (
        (
            f"PUT {PROXY}/artifacts/{own.root}/{INJECTION}",
            f"GET {PROXY}/artifacts/{own.root}/{INJECTION}",
        ),
        (
            f"POST /ajax-api/2.0/mlflow/upload-artifact?{run}&path={INJECTION}",
            f"GET /get-artifact?{run}&path={INJECTION}",
        ),
    ):
        method, target = put.split(" ")
        assert (await ask(bucket, method, target, b"x"))[0] == 200
        status, head, _ = await ask(bucket, *get.split(" "))
        assert status == 200
        assert b"\nset-cookie" not in head.lower()
        assert await own.list() == {"xset-cookie: a=b": 1}
    await own.delete("xset-cookie: a=b")


async def test_headers_of_the_client_cannot_steer_the_storage(bucket, session):
    """A client that may upload can't copy other objects or set an ACL by headers of S3."""
    own = await Artifacts.of_new_run(session, bucket)
    headers = {"x-amz-copy-source": "/warren-artifacts/2/secret", "x-amz-acl": "public-read"}
    status, _ = await own.put("copy", b"mine", headers=headers)
    assert status == 200
    assert await own.get("copy") == (200, b"mine")
    await own.delete("copy")
