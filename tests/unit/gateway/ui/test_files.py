"""The files of the web UI, as browsers and caches ask for them."""

import gzip

import pytest
from yarl import URL

from tests.unit.gateway.ui.conftest import SCRIPT

PREFIXES = ["/", "/api/v4/projects/1/ml/mlflow/", "/api/v4/projects/group%2Fproject/ml/mlflow/"]
PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("", "text/html"),
        ("help/", "text/html"),
        ("help/start.js", "text/javascript"),
        (f"static-files/{SCRIPT}", "text/javascript"),
        ("static-files/manifest.json", "application/json"),
        ("static-files/static/media/logo.8b43027f47b20503057d.png", "image/png"),
    ],
)
async def test_files_are_the_same_at_every_tracking_uri(client, bus, prefix, path, media_type):
    response = await client.get(URL(prefix + path, encoded=True))
    assert (response.status, response.content_type) == (200, media_type)
    policy = response.headers["Content-Security-Policy"]
    scripts = "script-src 'self' 'unsafe-eval'" if path == "" else "script-src 'self'"
    assert policy.startswith(f"default-src 'none'; {scripts}; ")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert not bus.sent


async def test_file_is_sent_compressed_to_who_accepts_it(client):
    path = f"/static-files/{SCRIPT}"
    compressed = await client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert compressed.headers["Vary"] == "Accept-Encoding"
    plain = await client.get(path, headers=PLAIN)
    assert "Content-Encoding" not in plain.headers
    assert await plain.read() == await compressed.read() == b"run();" * 100
    assert plain.headers["ETag"] != compressed.headers["ETag"]
    assert int(compressed.headers["Content-Length"]) == len(gzip.compress(b"run();" * 100))


async def test_only_names_with_a_hash_are_kept_without_asking(client):
    hashed = await client.get(f"/static-files/{SCRIPT}")
    assert "immutable" in hashed.headers["Cache-Control"]
    for path in ("/", "/help/", "/help/start.js", "/static-files/manifest.json"):
        assert (await client.get(path)).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/help/", f"/static-files/{SCRIPT}"])
async def test_stored_copy_is_confirmed(client, path):
    first = await client.get(path)
    again = await client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = await client.get(path, headers={"If-None-Match": '"another"'})
    assert other.status == 200


@pytest.mark.parametrize("path", ["/", "/help/", f"/static-files/{SCRIPT}"])
async def test_head_tells_the_length_alone(client, path):
    response = await client.head(path, headers=PLAIN)
    body = await (await client.get(path, headers=PLAIN)).read()
    assert response.headers["Content-Length"] == str(len(body))
    assert await response.read() == b""


@pytest.mark.parametrize(
    "path",
    [
        "/static-files/missing.js",
        "/static-files/",
        "/static-files/static",
        f"/static-files/{SCRIPT}.gz",
        "/static-files/../secret.json",
        "/static-files/..%2Fsecret.json",
        "/static-files/%2e%2e/secret.json",
        "/static-files//etc/passwd",
    ],
)
async def test_nothing_but_the_files_is_found(client, path):
    response = await client.get(URL(path, encoded=True))
    assert response.status == 404
    assert (await response.json())["error_code"] == "ENDPOINT_NOT_FOUND"


async def test_files_are_read_alone(client):
    response = await client.post(f"/static-files/{SCRIPT}")
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Range": "bytes=999999999-"}, 416),
        ({"Range": "bytes=x"}, 416),
        ({"If-Match": '"other"'}, 412),
        ({"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 412),
    ],
)
async def test_refusal_is_not_kept_in_place_of_the_file(client, headers, status):
    response = await client.get(f"/static-files/{SCRIPT}", headers=headers)
    assert response.status == status
    assert response.headers["Cache-Control"] == "no-store"
