"""Artifacts through a whole Warren, as clients, browsers and curl ask for them."""

import asyncio
import os
from unittest.mock import ANY
from urllib.parse import quote

import pytest

from shared.contracts.errors import ErrorCode
from tests.integration.gateway.artifacts_api import Artifacts
from tests.rest import api

MB = 1024**2

NAMES = [
    "model.pkl",
    "with space.txt",
    "größe-模型-🐇.txt",
    "100%.txt",
    "50% of it.txt",
    "a+b.txt",
    "a=c&d;e.txt",
    "(1) 'x' \"y\".txt",
    "...",
    ".hidden",
    "n" * 255,
]


MALFORMED = {
    "If-Modified-Since": ["yesterday", "2026-11-25", "Wed, 99 Nov 2026 04:13:19 GMT", "0", "-"],
    "If-Unmodified-Since": ["yesterday", "0"],
    "If-None-Match": ["a", '"a', "W/", "ä"],
    "If-Match": ["a", '"a', ","],
    "If-Range": ["x", '"a', "ä"],
    "Range": ["x", "bytes=", "bytes=9-0", "bytes=a-b", "lines=0-1", "bytes=-", "bytes=--5"],
}


@pytest.mark.parametrize("directory", ["", "dir/", "größe 1/+/%/"])
async def test_file_of_any_name_comes_back_and_is_listed_under_it(artifacts, directory):
    for name in NAMES:
        assert await artifacts.put(directory + name, name.encode()) == (200, {})
        assert await artifacts.get(directory + name) == (200, name.encode())
    listed = await artifacts.list(directory.rstrip("/"))
    assert {name: len(name.encode()) for name in NAMES}.items() <= listed.items()


FORMS = {
    "100%25": "100%",
    "a%z%41": "a%zA",
    "a%2Fb": "a/b",
    " a": "a",
    "key%step%23%a%17.png": "key%step_%a%17.png",
}


async def test_name_that_clients_decode_is_stored_as_they_ask_for_it(artifacts):
    for name, form in FORMS.items():
        assert await artifacts.put(f"d/{name}", name.encode()) == (200, {})
        for path in (name, form):
            assert await artifacts.get(f"d/{path}") == (200, name.encode())
        assert form.partition("/")[0] in await artifacts.list("d")
        assert await artifacts.delete(f"d/{name}") == 200
        assert (await artifacts.get(f"d/{form}"))[0] == 404
    for name in ("a#b", "a?b", "http:x"):
        assert (await artifacts.put(name, b"x"))[0] == 400


@pytest.mark.parametrize("mount", ["", "/api/v4/projects/1/ml/mlflow"])
async def test_path_of_a_clients_choice_works_by_itself_and_as_an_experiments_location(
    session, warren, mount
):
    place = f"models-{os.urandom(4).hex()}/a b"
    own = Artifacts(session, warren.url + mount, "", f"mlflow-artifacts:/{place}")
    assert await own.put("dir/a.txt", b"content") == (200, {})
    assert await own.get("dir/a.txt") == (200, b"content")
    assert await own.list() == {"dir": None}
    async with api(warren.url + mount) as rest:
        body = {
            "name": place,
            "artifact_location": f"mlflow-artifacts:/{place.replace(' ', '%20')}",
        }
        experiment = (await rest.done("experiments/create", body))["experiment_id"]
    run = await Artifacts.of_new_run(session, warren.url + mount, experiment)
    run.root = run.root.replace("%20", " ")
    assert run.root == f"{place}/{run.run_id}/artifacts"
    run.url = f"{run.proxy}/artifacts/{quote(run.root)}"
    assert await run.put("deep/b.txt", b"of the run") == (200, {})
    assert await run.list("deep") == {"b.txt": 10}
    assert (await run.list_page("deep"))["files"][0]["path"] == "deep/b.txt"
    query = {"run_id": run.run_id, "path": "deep/b.txt"}
    async with session.get(f"{warren.url}{mount}/get-artifact", params=query) as answer:
        assert await answer.read() == b"of the run"
    assert run.run_id in await own.list()
    assert await own.delete("dir") == 200
    assert await own.get("dir/a.txt") == (404, ANY)


async def test_tree_is_listed_level_by_level_by_clients_and_ui_alike(artifacts):
    for name in ("a/b/c/deep.txt", "a/b/x.txt", "a/y.txt", "z.txt"):
        await artifacts.put(name, b"12")
    assert await artifacts.list() == {"a": None, "z.txt": 2}
    assert await artifacts.list("a") == {"b": None, "y.txt": 2}
    assert await artifacts.list("a/b/") == {"c": None, "x.txt": 2}
    assert await artifacts.list("z.txt") == {}
    assert await artifacts.list("nothing") == {}
    page = await artifacts.list_page("a")
    assert page["root_uri"] == f"mlflow-artifacts:/{artifacts.root}"
    assert page["files"] == [
        {"path": "a/b", "is_dir": True},
        {"path": "a/y.txt", "is_dir": False, "file_size": 2},
    ]


async def test_large_directory_is_listed_whole_by_clients_and_in_pages_by_the_ui(artifacts):
    gate = asyncio.Semaphore(16)

    async def put(number):
        async with gate:
            await artifacts.put(f"many/{number:04}", b"x")

    await asyncio.gather(*(put(number) for number in range(1050)))
    assert len(await artifacts.list("many")) == 1050
    first = await artifacts.list_page("many")
    second = await artifacts.list_page("many", first["next_page_token"])
    paths = [entry["path"] for entry in first["files"] + second["files"]]
    assert paths == [f"many/{number:04}" for number in range(1050)]
    assert "next_page_token" not in second


@pytest.mark.parametrize("size", [0, 1, 8 * MB, 20 * MB + 1])
@pytest.mark.parametrize("chunked", [False, True])
async def test_upload_of_any_size_comes_back(artifacts, size, chunked):
    content = os.urandom(size)

    async def pieces():
        for start in range(0, size, 700_000):
            yield content[start : start + 700_000]

    assert await artifacts.put("blob", pieces() if chunked else content) == (200, {})
    assert await artifacts.get("blob") == (200, content)
    assert await artifacts.list() == {"blob": size}


async def test_artifact_is_replaced_as_a_whole(artifacts):
    """Readers see the old or the new one, while it is replaced over and over."""
    old, new = b"o" * (2 * MB), b"n" * (3 * MB)
    await artifacts.put("a", old)
    seen = set()

    async def read():
        for _ in range(15):
            status, body = await artifacts.get("a")
            assert status == 200
            assert body in (old, new)
            seen.add(body[:1])

    async def write():
        for number in range(6):
            await artifacts.put("a", new if number % 2 == 0 else old)

    await asyncio.gather(read(), read(), write())
    assert seen


async def test_deletion_of_files_and_directories(artifacts):
    for name in ("a", "dir/b", "dir/sub/c", "dirty"):
        await artifacts.put(name, b"x")
    assert await artifacts.delete("a") == 200
    assert await artifacts.delete("dir") == 200
    assert await artifacts.list() == {"dirty": 1}
    assert (await artifacts.get("dir/b"))[0] == 404
    assert await artifacts.delete("dir") == 200
    assert await artifacts.delete("") == 200
    assert await artifacts.list() == {}


async def test_conditional_and_partial_reads(artifacts, session):
    content = bytes(range(256)) * 10
    await artifacts.put("a", content)
    async with session.get(f"{artifacts.url}/a") as answer:
        etag = answer.headers["ETag"]
    assert await artifacts.get("a", **{"If-None-Match": etag}) == (304, b"")
    assert await artifacts.get("a", Range="bytes=10-19") == (206, content[10:20])
    assert await artifacts.get("a", Range="bytes=-5") == (206, content[-5:])
    assert await artifacts.get("a", Range="bytes=0-1,5-6") == (200, content)
    assert await artifacts.get("a", Range="nonsense") == (200, content)
    assert (await artifacts.get("a", Range="bytes=9999-"))[0] == 416
    resume = {"Range": "bytes=100-", "If-Range": etag}
    assert await artifacts.get("a", **resume) == (206, content[100:])
    await artifacts.put("a", content[::-1])
    assert await artifacts.get("a", **resume) == (200, content[::-1])
    assert (await artifacts.get("a", **{"If-Match": etag}))[0] == 412


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_malformed_conditions_and_ranges_are_ignored(artifacts, session, method):
    await artifacts.put("a", b"content")
    for name, values in MALFORMED.items():
        for value in values:
            url = f"{artifacts.url}/a"
            async with session.request(method, url, headers={name: value}) as response:
                body = await response.read()
                assert response.status == 200, (name, value)
            assert body == (b"content" if method == "GET" else b""), (name, value)
    far = {"Range": "bytes=9999999999999999999-"}
    async with session.request(method, f"{artifacts.url}/a", headers=far) as response:
        # A range is part of what GET means alone.
        assert response.status == (416 if method == "GET" else 200)


async def test_ui_reads_and_saves(artifacts, session, warren):
    target = f"{warren.url}/ajax-api/2.0/mlflow/upload-artifact"
    query = {"run_uuid": artifacts.run_id, "path": "notes/n 1.md"}
    async with session.post(target, params=query, data=b"# Note") as answer:
        assert answer.status == 200, await answer.text()
    async with session.get(f"{warren.url}/get-artifact", params=query) as answer:
        assert await answer.read() == b"# Note"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="n 1.md"'
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_artifacts_of_a_logged_model_are_listed_and_read(session, warren):
    models = f"{warren.url}/api/2.0/mlflow/logged-models"
    async with session.post(models, json={"experiment_id": "0"}) as answer:
        info = (await answer.json())["model"]["info"]
    root = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    proxy = f"{warren.url}/api/2.0/mlflow-artifacts/artifacts/{root}"
    async with session.put(f"{proxy}/data/model.pkl", data=b"1234") as answer:
        assert answer.status == 200, await answer.text()
    directories = f"{models}/{info['model_id']}/artifacts/directories"
    for query, files in (
        ({}, [{"path": "data", "is_dir": True}]),
        (
            {"artifact_directory_path": "data"},
            [{"path": "data/model.pkl", "is_dir": False, "file_size": 4}],
        ),
    ):
        async with session.get(directories, params=query) as answer:
            assert await answer.json() == {"root_uri": info["artifact_uri"], "files": files}
    file = f"{warren.url}/ajax-api/2.0/mlflow/logged-models/{info['model_id']}/artifacts/files"
    async with session.get(file, params={"artifact_file_path": "data/model.pkl"}) as answer:
        assert await answer.read() == b"1234"
    async with session.get(file.replace(info["model_id"], "m-none")) as answer:
        assert answer.status == 404
    async with session.get(directories, params={"artifact_directory_path": "../.."}) as answer:
        assert answer.status == 400


DIRECT = pytest.mark.parametrize("warren", ["stack"], indirect=True)
NOT_DIRECT = pytest.mark.parametrize("warren", ["standalone"], indirect=True)


@DIRECT
async def test_presigned_urls_of_a_run(artifacts, session, warren):
    named = {"run_id": artifacts.run_id, "path": "direct/größe.txt"}
    root = f"{warren.url}/api/2.0/mlflow/artifacts/presigned"
    async with session.post(f"{root}-upload-url", json=named) as answer:
        up = await answer.json()
    async with session.put(up["presigned_url"], data=b"content", headers=up["headers"]) as answer:
        assert answer.status == 200
    async with session.post(f"{root}-download-url", json=named | {"expiration": 60}) as answer:
        down = await answer.json()
    assert down["file_size"] == 7
    async with session.get(down["presigned_url"], headers=down["headers"]) as answer:
        assert await answer.read() == b"content"
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert await artifacts.get("direct/größe.txt") == (200, b"content")


@DIRECT
async def test_multipart_upload_by_hand(artifacts, session):
    body = {"path": "/home/me/big.bin", "num_parts": 2}
    base = f"{artifacts.proxy}/mpu"
    async with session.post(f"{base}/create/{artifacts.root}/dir", json=body) as answer:
        created = await answer.json()
    parts = []
    for credential, content in zip(created["credentials"], (b"x" * 5 * MB, b"end"), strict=True):
        async with session.put(credential["url"], data=content) as answer:
            etag = answer.headers["ETag"]
        parts.append({"part_number": credential["part_number"], "etag": etag, "url": "u"})
    assert await artifacts.list() == {}
    done = {"path": "big.bin", "upload_id": created["upload_id"], "parts": parts}
    async with session.post(f"{base}/complete/{artifacts.root}/dir", json=done) as answer:
        assert answer.status == 200, await answer.text()
    assert await artifacts.list("dir") == {"big.bin": 5 * MB + 3}
    async with session.get(f"{artifacts.proxy}/presigned/{artifacts.root}/dir/big.bin") as answer:
        presigned = await answer.json()
    assert presigned["file_size"] == 5 * MB + 3
    async with session.get(presigned["url"], headers={"Range": "bytes=-3"}) as answer:
        assert await answer.read() == b"end"


async def test_artifacts_elsewhere_are_never_opened(session, warren):
    async with api(warren.url) as rest:
        for location in ("s3://somebody/else", "file:///etc"):
            body = {
                "name": f"elsewhere-{location}-{os.urandom(4).hex()}",
                "artifact_location": location,
            }
            experiment = (await rest.done("experiments/create", body))["experiment_id"]
            kept = await rest.get("experiments/get", experiment_id=experiment)
            assert kept.body["experiment"]["artifact_location"] == location
            run_id = await rest.new_run(experiment)
            listed = await rest.get("artifacts/list", run_id=run_id)
            assert listed.status == 400
            assert "does not open" in listed.body["message"]


async def test_missing_run_and_missing_file_are_told_apart(artifacts, session, warren):
    for run_id, path, word in (("0" * 32, "a", "Run"), (artifacts.run_id, "a", "artifact")):
        query = {"run_id": run_id, "path": path}
        async with session.get(f"{warren.url}/get-artifact", params=query) as answer:
            assert answer.status == 404
            body = await answer.json()
            assert body["error_code"] == ErrorCode.RESOURCE_DOES_NOT_EXIST
            assert word in body["message"]


async def test_server_promises_what_it_serves(session, warren):
    async with session.get(f"{warren.url}/api/3.0/mlflow/server-info") as answer:
        info = await answer.json()
    direct = {
        name: said for name, said in info.items() if name.startswith(("multipart", "presigned"))
    }
    assert len(direct) == 4
    assert set(direct.values()) == {warren.data.name.startswith("stack")}


@NOT_DIRECT
@pytest.mark.parametrize("mount", ["", "/api/v4/projects/1/ml/mlflow"])
async def test_no_client_gets_a_url_of_the_storage_where_direct_transfers_are_off(
    artifacts, session, warren, mount
):
    await artifacts.put("a", b"x")
    proxy = f"{mount}/api/2.0/mlflow-artifacts"
    of_run = {"run_id": artifacts.run_id, "path": "a"}
    in_parts = {
        "path": "a",
        "num_parts": 1,
        "upload_id": "u",
        "parts": [{"part_number": 1, "etag": "e"}],
    }
    for method, path, body, status, words in (
        (
            "GET",
            f"{proxy}/presigned/{artifacts.root}/a",
            None,
            501,
            "Multipart download is not supported",
        ),
        *(
            (
                "POST",
                f"{proxy}/mpu/{verb}/{artifacts.root}",
                in_parts,
                501,
                "Multipart upload is not supported",
            )
            for verb in ("create", "complete", "abort")
        ),
        *(
            (
                "POST",
                f"{mount}/api/2.0/mlflow/artifacts/presigned-{kind}-url",
                of_run,
                403,
                "Presigned URLs are not",
            )
            for kind in ("upload", "download")
        ),
    ):
        async with session.request(method, f"{warren.url}{path}", json=body) as answer:
            said = await answer.json()
            assert answer.status == status, said
            assert said["message"].startswith(words)
            assert "WARREN_DIRECT_ARTIFACTS" in said["message"]
