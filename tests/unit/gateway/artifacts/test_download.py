"""Bytes come from the storage with the headers that clients and browsers need."""

import asyncio
import json

import aiohttp
import pytest

from shared.contracts.errors import missing_resource
from shared.messaging.messages import Answer

ROOT = "/api/2.0/mlflow-artifacts/artifacts/1/0/run/artifacts"
KEY = "/1/0/run/artifacts"


async def test_artifact_comes_as_an_attachment_that_no_browser_renders(client, storage):
    storage.objects[f"{KEY}/page.html"] = b"<script>"
    response = await client.get(f"{ROOT}/page.html")
    assert (response.status, await response.read()) == (200, b"<script>")
    assert response.headers["Content-Disposition"] == 'attachment; filename="page.html"'
    assert response.headers["Content-Type"] == "text/html"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Server"] == "Warren"
    assert response.headers["Content-Length"] == "8"
    assert response.headers["ETag"] == '"e"'
    assert response.headers["Accept-Ranges"] == "bytes"


async def test_head_is_get_without_the_body(client, bus, storage):
    storage.objects[f"{KEY}/a"] = b"content"
    response = await client.head(f"{ROOT}/a")
    assert (response.status, response.headers["Content-Length"]) == (200, "7")
    assert storage.requests[0].method == "HEAD"
    assert bus.parameters["method"] == "HEAD"


async def test_nothing_of_the_client_but_conditions_reaches_the_storage(client, storage):
    storage.objects[f"{KEY}/a"] = b""
    headers = {"Authorization": "Bearer secret", "Cookie": "a=b", "If-None-Match": '"x"'}
    await client.get(f"{ROOT}/a", headers=headers)
    sent = storage.requests[0].headers
    assert sent["If-None-Match"] == '"x"'
    assert "Authorization" not in sent
    assert "Cookie" not in sent


async def test_missing_artifact_is_named(client):
    response = await client.get(f"{ROOT}/nothing")
    assert response.status == 404
    body = await response.json()
    assert body["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert "nothing" in body["message"]


async def test_not_modified_has_no_body(client, storage):
    storage.answer = (304, {"ETag": '"e"'}, b"")
    response = await client.get(f"{ROOT}/a", headers={"If-None-Match": '"e"'})
    assert (response.status, await response.read()) == (304, b"")
    assert response.headers["ETag"] == '"e"'


async def test_part_keeps_its_extent(client, storage):
    storage.answer = (206, {"Content-Range": "bytes 2-4/9"}, b"cde")
    response = await client.get(f"{ROOT}/a", headers={"Range": "bytes=2-4"})
    assert (response.status, await response.read()) == (206, b"cde")
    assert response.headers["Content-Range"] == "bytes 2-4/9"
    assert storage.requests[0].headers["Range"] == "bytes=2-4"


async def test_impossible_range_is_416_in_mlflows_envelope(client, storage):
    storage.answer = (416, {"Content-Range": "bytes */9"}, b"<Error/>")
    response = await client.get(f"{ROOT}/a", headers={"Range": "bytes=10-"})
    assert response.status == 416
    assert response.headers["Content-Range"] == "bytes */9"
    assert (await response.json())["error_code"] == "INVALID_PARAMETER_VALUE"


async def test_failed_condition_is_412(client, storage):
    storage.answer = (412, {}, b"<Error/>")
    response = await client.get(f"{ROOT}/a", headers={"If-Match": '"x"'})
    assert response.status == 412
    assert (await response.json())["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("status", [400, 403, 500, 503, 302])
async def test_trouble_of_the_storage_is_503(client, storage, status):
    storage.answer = (status, {}, b"")
    response = await client.get(f"{ROOT}/a")
    assert response.status == 503
    assert "Retry-After" in response.headers


async def test_storage_that_is_away_is_503(client, storage):
    await storage.stop()
    response = await client.get(f"{ROOT}/a")
    assert response.status == 503


async def test_storage_that_breaks_off_is_an_error_of_the_connection(client, storage, caplog):
    storage.objects[f"{KEY}/a"] = b"x" * 1_000_000
    storage.break_after = 500_000
    with pytest.raises(aiohttp.ClientError):
        await (await client.get(f"{ROOT}/a")).read()
    await asyncio.sleep(0.05)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_client_that_leaves_in_the_middle_is_no_error(server, storage, caplog, capfd):
    storage.objects[f"{KEY}/a"] = b"x" * 50_000_000
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {ROOT}/a HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.read(1000)
    writer.transport.abort()
    await asyncio.sleep(0.2)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert "request_failed" not in "".join(capfd.readouterr())


def run_at(uri):
    return Answer(json.dumps({"run": {"info": {"artifact_uri": uri}}}).encode())


@pytest.mark.parametrize("name", ["run_id", "run_uuid"])
async def test_ui_reads_below_the_runs_root(client, bus, storage, name):
    bus.replies["GetRun"] = run_at("mlflow-artifacts:/1/0/run/artifacts")
    storage.objects[f"{KEY}/dir/a b"] = b"text"
    response = await client.get(f"/get-artifact?{name}=r&path=dir/a%20b")
    assert (response.status, await response.read()) == (200, b"text")
    assert json.loads(bus.sent[0][2].payload)[name] == "r"


async def test_run_that_is_not_there_is_trackings_refusal(client, bus):
    bus.replies["GetRun"] = Answer.refusal(missing_resource("Run 'r' not found"))
    response = await client.get("/get-artifact?run_id=r&path=a")
    assert response.status == 404
    assert (await response.json())["message"] == "Run 'r' not found"


async def test_storage_of_somebody_else_is_not_opened(client, bus, storage):
    bus.replies["GetRun"] = run_at("s3://bucket/run")
    response = await client.get("/get-artifact?run_id=r&path=a")
    assert response.status == 400
    assert "s3 storage" in (await response.json())["message"]
    assert not storage.requests


async def test_list_of_a_run_goes_to_the_service_with_the_runs_uri(client, bus):
    bus.replies["GetRun"] = run_at("mlflow-artifacts:/1/0/run/artifacts")
    query = "run_id=r&path=dir&page_token=t&artifact_uri=mlflow-artifacts:/2/stolen"
    response = await client.get(f"/api/2.0/mlflow/artifacts/list?{query}")
    assert response.status == 200
    assert bus.envelope.name == "ListArtifacts"
    assert bus.parameters == {
        "run_id": "r",
        "path": "dir",
        "page_token": "t",
        "artifact_uri": "mlflow-artifacts:/1/0/run/artifacts",
    }
