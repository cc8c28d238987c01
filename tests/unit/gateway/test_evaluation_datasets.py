"""Requests with many records are merged command by command, and the counts are added up."""

import json

import pytest

from services.gateway.mlflow.evaluation_datasets import cut
from shared.contracts import limits
from shared.contracts.errors import DomainError, missing_resource
from shared.messaging.messages import Answer

RECORDS = "/api/3.0/mlflow/datasets/d-1/records"


@pytest.fixture
def merged(bus):
    """Let each command say how many records it had; return the records of each."""
    sent = []
    before = bus.call

    async def call(service, kind, envelope, seconds=None):
        if envelope.name != "UpsertDatasetRecords":
            return await before(service, kind, envelope, seconds)
        command = json.loads(envelope.payload)
        assert command["dataset_id"] == "d-1"
        sent.append((json.loads(command["records"]), envelope.idempotency_key))
        if len(sent) == 3:
            return Answer.refusal(missing_resource("gone"))
        counts = {"inserted_count": len(sent[-1][0]) - 1, "updated_count": 1}
        return Answer(json.dumps(counts).encode())

    bus.call = call
    return sent


def texts(*lengths):
    return [{"inputs": {"q": "a" * length}} for length in lengths]


async def test_a_small_request_is_one_command(client, merged):
    records = texts(1, 2, 3)
    body = {"records": json.dumps(records), "unknown": [1], "dataset_id": "d-2"}
    response = await client.post(RECORDS, json=body, headers={"Idempotency-Key": "k"})
    assert await response.json() == {"inserted_count": 2, "updated_count": 1}
    assert merged == [(records, "k")]
    assert (await client.post(RECORDS, json={"records": " [ ] "})).status == 200
    assert merged[1:] == [([], None)]


async def test_few_records_go_on_unread(client, bus):
    assert (await client.post(RECORDS, json={"records": "none"})).status == 200
    assert bus.parameters == {"dataset_id": "d-1", "records": "none"}
    many = "{" * (limits.DATASET_RECORDS + 1)
    assert (await client.post(RECORDS, json={"records": many})).status == 400


async def test_a_large_request_is_several_commands(client, merged):
    records = [{"n": number} for number in range(limits.DATASET_RECORDS + 1)]
    body = {"records": json.dumps(records)}
    response = await client.post(RECORDS, json=body, headers={"Idempotency-Key": "k"})
    assert await response.json() == {
        "inserted_count": limits.DATASET_RECORDS - 1,
        "updated_count": 2,
    }
    assert merged == [(records[:-1], "k"), (records[-1:], None)]


async def test_an_error_of_a_later_command_is_the_answer(client, merged):
    records = [{"n": number} for number in range(4 * limits.DATASET_RECORDS)]
    response = await client.post(RECORDS, json={"records": json.dumps(records)})
    assert (response.status, (await response.json())["message"]) == (404, "gone")
    assert len(merged) == 3


async def test_a_list_is_cut_where_a_command_would_be_too_large():
    half = limits.RECORDS_JSON // 2 + 1
    lengths = (10, half, half, 3 * half, 10, 20, half)
    text = json.dumps(texts(*lengths), indent=1)
    parts = [json.loads(f"[{text[start:end]}]") for start, end in await cut(text)]
    assert [[len(each["inputs"]["q"]) for each in part] for part in parts] == [
        [10, half],
        [half],
        [3 * half],
        [10, 20, half],
    ]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ("x", "must be the JSON of a list"),
        ("{}", "must be the JSON of a list"),
        ("[", "must be the JSON of a list"),
        ("[{}", "must be the JSON of a list"),
        ("[{},]", "must be the JSON of a list"),
        ("[,{}]", "must be the JSON of a list"),
        ("[{}{}]", "must be the JSON of a list"),
        ("[{}] {}", "must be the JSON of a list"),
        ("[]]", "must be the JSON of a list"),
        ("[\u00a0{}]", "must be the JSON of a list"),
        ("[{}, 1]", "Each record must be a dictionary"),
        ("[[]]", "Each record must be a dictionary"),
        ('[{"a": %s}]' % ("[" * 100_000), "nested too deeply"),
        ('[{"a": %s}]' % ("9" * 5_000), "must be the JSON of a list"),
        ('[{"a": "%s"}]' % ("a" * limits.RECORD_JSON), "A record can contain at most"),
    ],
    ids=lambda value: value[:20],
)
async def test_what_is_no_list_of_records_is_refused(records, message):
    with pytest.raises(DomainError, match=message):
        await cut(records)


async def test_nothing_is_sent_of_a_list_with_a_mistake_at_its_end(client, merged):
    records = [*({"n": number} for number in range(limits.DATASET_RECORDS)), 1]
    response = await client.post(RECORDS, json={"records": json.dumps(records)})
    assert response.status == 400
    assert not merged


async def test_many_records_are_cut_into_as_many_commands():
    text = json.dumps([{"n": number} for number in range(50_000)])
    assert len(await cut(text)) == 50
