"""Bodies and query strings as MLflow's clients of all ages send them."""

import codecs
import gzip
import json
from typing import ClassVar

import pytest
from multidict import MultiDict
from pydantic_core import to_json

from services.gateway.http.fields import QueryFields
from shared.contracts import limits
from shared.contracts.errors import DomainError
from shared.contracts.message import Query
from shared.contracts.runs import GetRun

CREATE = "/api/2.0/mlflow/runs/create"
SEARCH = "/api/2.0/mlflow/experiments/search"
BATCH = "/api/2.0/mlflow/runs/log-batch"
INPUTS = "/api/2.0/mlflow/runs/log-inputs"
JSON = {"Content-Type": "application/json"}


async def refused_with(response, text):
    body = await response.json()
    assert response.status == 400, body
    assert response.headers["Content-Type"] == "application/json"
    assert body["error_code"] == "INVALID_PARAMETER_VALUE"
    assert text in body["message"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"],
)
async def test_json_is_taken_with_any_parameters(client, bus, content_type):
    response = await client.post(CREATE, data=b"{}", headers={"Content-Type": content_type})
    assert response.status == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "x"])
async def test_other_content_types_are_refused(client, bus, content_type):
    response = await client.post(CREATE, data=b"{}", headers={"Content-Type": content_type})
    await refused_with(response, "Content-Type must be one of ['application/json'].")
    assert not bus.sent


async def test_body_without_content_type_is_refused(client, bus):
    response = await client.post(CREATE, data=b"{}", skip_auto_headers=["Content-Type"])
    await refused_with(response, "Content-Type header is missing.")


async def test_empty_body_is_an_empty_message(client, bus):
    response = await client.post(CREATE)
    assert response.status == 200
    assert bus.envelope.payload == b""


async def test_json_inside_a_json_string_is_unwrapped(client, bus):
    await client.post(CREATE, data=json.dumps('{"run_name": "é"}'), headers=JSON)
    assert bus.parameters == {"run_name": "é"}


@pytest.mark.parametrize(
    ("codec", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
@pytest.mark.parametrize(
    "path", [CREATE, "/api/v4/projects/1/ml/mlflow" + CREATE, "/api/v4/groups"]
)
async def test_byte_order_mark_is_taken_off_as_mlflows_server_does(client, bus, codec, mark, path):
    body = mark + '{"name": "é"}'.encode(codec)
    headers = JSON | {"PRIVATE-TOKEN": "glpat-x"}
    async with client.post(path, data=body, headers=headers) as response:
        assert response.status in {200, 201}
    assert bus.parameters == {"name": "é"}


@pytest.mark.parametrize("body", [codecs.BOM_UTF16_LE + b"{", b"\xef\xbb\xbf", b"\xff\xfe\x00\xd8"])
async def test_body_that_no_encoding_fits_is_left_to_the_service(client, bus, body):
    assert (await client.post(CREATE, data=body, headers=JSON)).status == 200
    assert len(bus.envelope.payload) in {0, len(body)}


async def test_byte_order_mark_hides_no_field_from_the_path(client, bus):
    body = codecs.BOM_UTF8 + b'{"modelId": "other"}'
    path = "/api/2.0/mlflow/logged-models/m-1"
    assert (await client.patch(path, data=body, headers=JSON)).status == 200
    assert bus.parameters == {"model_id": "m-1"}


async def test_broken_json_string_is_left_to_the_service(client, bus):
    await client.post(CREATE, data=b'"{', headers=JSON)
    assert bus.envelope.payload == b'"{'


async def test_compressed_body_is_unpacked(client, bus):
    headers = JSON | {"Content-Encoding": "gzip"}
    response = await client.post(CREATE, data=gzip.compress(b'{"a":1}'), headers=headers)
    assert response.status == 200
    assert bus.envelope.payload == b'{"a":1}'


async def test_body_that_is_not_compressed_as_announced_is_refused(client, bus, caplog):
    headers = JSON | {"Content-Encoding": "gzip"}
    response = await client.post(CREATE, data=b"not gzip", headers=headers)
    assert response.status == 400
    assert (await response.json())["error_code"] == "BAD_REQUEST"
    assert not caplog.records
    assert (await client.post(CREATE, json={})).status == 200


@pytest.mark.parametrize("path", [CREATE, BATCH])
async def test_body_over_the_limit_is_refused_in_mlflows_envelope(client, bus, path):
    response = await client.post(path, data=b" " * 100_001, headers=JSON)
    await refused_with(response, "at most 100000 bytes, got a request of size 100001")
    assert not bus.sent


async def test_chunked_body_over_the_limit_is_refused(client, bus):
    async def chunks():
        for _ in range(11):
            yield b" " * 10_000

    response = await client.post(CREATE, data=chunks(), headers=JSON)
    await refused_with(response, "at most 100000 bytes")


async def test_bomb_is_refused(client, bus):
    headers = JSON | {"Content-Encoding": "gzip"}
    response = await client.post(CREATE, data=gzip.compress(b" " * 10_000_000), headers=headers)
    await refused_with(response, "at most 100000 bytes")


async def test_connection_still_serves_after_a_refused_body(client, bus):
    await client.post(CREATE, data=b" " * 100_001, headers=JSON)
    assert (await client.post(CREATE, json={})).status == 200


class TestLargeBodies:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"max_body_bytes": limits.INPUTS_BODY})

    @pytest.mark.parametrize(
        ("path", "most"),
        [
            (CREATE, limits.BODY),
            (BATCH, limits.BATCH_BODY),
            (INPUTS, limits.INPUTS_BODY),
        ],
    )
    async def test_each_endpoint_has_a_limit_of_its_own(self, client, path, most):
        assert (await client.post(path, data=b" " * most, headers=JSON)).status == 200
        response = await client.post(path, data=b" " * (most + 1), headers=JSON)
        await refused_with(response, f"at most {most} bytes")


async def test_expect_continue_is_answered(client, bus):
    response = await client.post(CREATE, data=b"{}", headers=JSON, expect100=True)
    assert response.status == 200
    assert bus.envelope.payload == b"{}"


async def test_query_string_becomes_json(client, bus):
    await client.get(
        SEARCH,
        params=[
            ("max_results", "5"),
            ("order_by", "name"),
            ("order_by", "creation_time DESC"),
            ("filter", "name = 'a&b é'"),
            ("unknown", "x"),
        ],
    )
    assert bus.parameters == {
        "max_results": "5",
        "order_by": ["name", "creation_time DESC"],
        "filter": "name = 'a&b é'",
    }


async def test_single_value_of_a_list_is_still_a_list(client, bus):
    await client.get("/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id=a&metric_key=m")
    assert bus.parameters == {"run_id": ["a"], "metric_key": "m"}


async def test_query_string_in_camel_case(client, bus):
    await client.get(SEARCH, params={"maxResults": "5", "viewType": "ALL", "orderBy": "name"})
    assert bus.parameters == {"maxResults": "5", "viewType": "ALL", "orderBy": ["name"]}


@pytest.mark.parametrize("name", ["run_id", "runId", "run_uuid", "runUuid"])
async def test_run_is_known_by_its_old_names_too(client, bus, name):
    await client.get(f"/api/2.0/mlflow/runs/get?{name}=r1")
    assert GetRun.parse(bus.envelope.payload).run_id == "r1"


async def test_first_of_repeated_scalars_counts(client, bus):
    await client.get("/api/2.0/mlflow/runs/get?run_id=a&run_id=b")
    assert bus.parameters == {"run_id": "a"}


async def test_get_may_carry_a_json_body(client, bus):
    await client.get(SEARCH, json={"max_results": 3})
    assert bus.parameters == {"max_results": 3}


async def test_query_string_of_a_post_is_ignored(client, bus):
    await client.post(SEARCH + "?max_results=3", json={"max_results": 4})
    assert bus.parameters == {"max_results": 4}


class Switch(Query):
    service: ClassVar[str] = "tracking"
    on: bool = False
    maybe: bool | None = None


@pytest.mark.parametrize(("text", "value"), [("true", b"true"), ("FALSE", b"false")])
def test_booleans_of_a_query_string(text, value):
    fields = QueryFields(Switch)
    assert to_json(fields.pick(multi(on=text))) == b'{"on":%b}' % value
    assert to_json(fields.pick(multi(maybe=text))) == b'{"maybe":%b}' % value


def test_bad_boolean_is_refused_in_mlflows_words():
    with pytest.raises(DomainError, match="Invalid boolean value: 1, must be 'true' or 'false'"):
        QueryFields(Switch).pick(multi(on="1"))


def multi(**fields):
    return MultiDict(fields)
