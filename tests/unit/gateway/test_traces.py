"""Traces that take several messages: pages of spans are joined, and traces are deleted in portions."""

import json

import pytest

from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode, missing_resource
from shared.messaging.messages import Answer

TRACES = "/api/3.0/mlflow/traces"
ARTIFACT = "/ajax-api/3.0/mlflow/get-trace-artifact"


@pytest.fixture
def script(bus):
    """Let messages of a name have one answer after the other; return the payloads that were sent."""

    def answer(name, *answers):
        left = [
            Answer.refusal(each) if isinstance(each, DomainError) else Answer(each)
            for each in answers
        ]
        asked = []
        before = bus.call

        async def call(service, kind, envelope, seconds=None):
            if envelope.name != name:
                return await before(service, kind, envelope, seconds)
            asked.append(json.loads(envelope.payload or b"{}"))
            return left.pop(0)

        bus.call = call
        return asked

    return answer


def page(token="", *spans):
    start = b'{"next_page_token":"%b",' % token.encode() if token else b"{"
    return start + b'"spans":[%b]}' % ",".join(map(json.dumps, spans)).encode()


def trace(token="", *spans, info=None):
    start = b'{"next_page_token":"%b",' % token.encode() if token else b"{"
    found = json.dumps({"trace_info": info or {"trace_id": "tr-1"}, "spans": list(spans)})
    return start + b'"trace":%b}' % found.encode()


LARGE = "x" * 700_000
"""Three of these are more than an answer that is sent whole."""


async def test_pages_of_a_trace_are_joined(client, script):
    script("GetTrace", trace("t1", 1, 2))
    asked = script("ListSpans", page("t2", 3), page("t3"), page("", LARGE, LARGE, 4))
    response = await client.get(f"{TRACES}/get", params={"trace_id": "tr-1"})
    assert (response.status, response.content_type) == (200, "application/json")
    assert (await response.json())["trace"]["spans"] == [1, 2, 3, LARGE, LARGE, 4]
    assert [each["page_token"] for each in asked] == ["t1", "t2", "t3"]
    assert {each["form"] for each in asked} == {"otlp"}


async def test_a_text_that_looks_like_a_token_is_none(client, script):
    text = '{"next_page_token":"t1","spans":[]}'
    script("GetTrace", trace("", text))
    response = await client.get(f"{TRACES}/get", params={"trace_id": "tr-1"})
    assert (await response.json())["trace"]["spans"] == [text]


async def test_an_error_before_the_first_byte_has_its_status(client, script):
    script("GetTrace", trace("t1", 1))
    script("ListSpans", missing_resource("Trace with ID 'tr-1' not found."))
    response = await client.get(f"{TRACES}/get", params={"trace_id": "tr-1"})
    assert response.status == 404


async def test_an_error_after_the_first_byte_breaks_the_connection(client, script):
    script("GetTrace", trace("t1", LARGE, LARGE))
    script("ListSpans", missing_resource("Trace with ID 'tr-1' not found."))
    with pytest.raises(Exception, match=r"payload|disconnected|reset|closed"):
        await (await client.get(f"{TRACES}/get", params={"trace_id": "tr-1"})).read()


async def test_spans_that_are_still_on_their_way_are_waited_for(client, script):
    late = DomainError(ErrorCode.RESOURCE_DOES_NOT_EXIST, "not fully exported yet", "allow_partial")
    asked = script("GetTrace", late, trace("", 1))
    response = await client.get(f"{TRACES}/get", params={"trace_id": "tr-1"})
    assert (await response.json())["trace"]["spans"] == [1]
    assert len(asked) == 2


async def test_a_batch_is_read_trace_by_trace(client, script):
    script("BatchGetTraces", b'{"trace_ids": ["tr-1", "tr-2", "tr-3"]}')
    script("GetTrace", trace("t", 1), missing_resource("gone"), trace("", 3))
    script("ListSpans", page("", 2))
    query = [("trace_ids", each) for each in ("tr-1", "tr-2", "tr-3")]
    response = await client.get(f"{TRACES}/batchGet", params=query)
    spans = [each["spans"] for each in (await response.json())["traces"]]
    assert spans == [[1, 2], [3]]


async def test_an_empty_batch_is_an_empty_list(client, script):
    script("BatchGetTraces", b'{"trace_ids": []}')
    response = await client.get(f"{TRACES}/batchGet", params={"trace_ids": "tr-1"})
    assert await response.json() == {"traces": []}


@pytest.mark.parametrize(
    ("max_traces", "portions", "wanted"),
    [
        (None, [limits.DELETED_TRACES, limits.DELETED_TRACES, 7], [None, None, None]),
        (limits.DELETED_TRACES + 5, [limits.DELETED_TRACES, 5], [limits.DELETED_TRACES + 5, 5]),
        (limits.DELETED_TRACES, [limits.DELETED_TRACES], [limits.DELETED_TRACES]),
        (3, [3], [3]),
    ],
)
async def test_traces_are_deleted_in_portions(client, script, max_traces, portions, wanted):
    asked = script("DeleteTraces", *(b'{"traces_deleted": %d}' % each for each in portions))
    body = {"experiment_id": "1", "max_timestamp_millis": 5}
    if max_traces is not None:
        body["max_traces"] = max_traces
    response = await client.post(f"{TRACES}/delete-traces", json=body)
    assert await response.json() == {"traces_deleted": sum(portions)}
    assert [each.get("max_traces") for each in asked] == wanted


async def test_stored_spans_are_a_file(client, script):
    tags = {"mlflow.trace.spansLocation": "TRACKING_STORE"}
    script("GetTraceInfoV3", json.dumps({"trace": {"trace_info": {"tags": tags}}}).encode())
    asked = script("ListSpans", page("t", 1), page("", 2))
    response = await client.get(ARTIFACT, params={"request_id": "tr-1"})
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert json.loads(await response.read()) == {"spans": [1, 2]}
    assert {each["form"] for each in asked} == {"mlflow"}


@pytest.mark.parametrize(
    ("query", "message"),
    [({}, "request_id"), ({"request_id": "tr-1", "path": "../x"}, "must be a valid UUID")],
)
async def test_a_file_of_a_trace_is_named_by_the_trace(client, bus, query, message):
    response = await client.get(ARTIFACT, params=query)
    assert response.status == 400
    assert message in await response.text()
    assert not [each for _, _, each in bus.sent if each.name != "Authorize"]
