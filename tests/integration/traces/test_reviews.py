"""Label schemas and review queues: pages, concurrency, odd input, and their end with traces and experiments."""

import asyncio
import json
from dataclasses import replace

import pytest

from services.traces import housekeeping
from services.traces.housekeeping import purge_portion
from services.traces.store import review_purges
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.traces.conftest import envelope
from tests.integration.traces.test_traces import refused

MISSING = ErrorCode.RESOURCE_DOES_NOT_EXIST
TAKEN = ErrorCode.RESOURCE_ALREADY_EXISTS
OF_1 = {"experiment_id": "1"}


async def new_schema(traces, name="Polite?", project=7, /, **more):
    fields = {**OF_1, "name": name, "type": "FEEDBACK", "input": {"text": {}}, **more}
    return (await traces.call("CreateLabelSchema", project, **fields))["label_schema"]["schema_id"]


async def new_queue(traces, name="q", project=7, /, **more):
    fields = {**OF_1, "name": name, "queue_type": "CUSTOM", **more}
    return (await traces.call("CreateReviewQueue", project, **fields))["review_queue"]["queue_id"]


async def pages(traces, message, field, **fields):
    """Return the items of each page."""
    token, found = "", []
    while token is not None:
        page = await traces.call(message, **fields, page_token=token)
        found.append(page[field])
        token = page.get("next_page_token")
    return found


async def items(traces, queue_id):
    listed = await traces.call("ListReviewQueueItems", queue_id=queue_id)
    return {each["item_id"]: each["status"] for each in listed["items"]}


async def test_default_question_is_on_the_last_page(traces):
    for number in range(4):
        await new_schema(traces, f"s{number}")
    for size, wanted in ((2, [2, 2, 1]), (3, [3, 2]), (5, [5])):
        found = await pages(traces, "ListLabelSchemas", "label_schemas", **OF_1, max_results=size)
        assert [len(each) for each in found] == wanted
        every = [schema for page in found for schema in page]
        assert [each["is_default"] for each in every] == [False] * 4 + [True]
        assert len({each["schema_id"] for each in every}) == 5


async def test_default_question_belongs_to_its_experiment(traces, tracking):
    one, two = [
        (await traces.call("ListLabelSchemas", experiment_id=each))["label_schemas"][0]["schema_id"]
        for each in "12"
    ]
    await new_queue(traces, schema_ids=[one])
    await refused(new_queue(traces, "other", schema_ids=[two]))
    tracking.stages["2"] = "deleted"
    await refused(traces.call("GetLabelSchema", schema_id=two), MISSING)
    for odd in ("ls-" + "f" * 32, "ls-" + "0" * 16 + "f" * 16, f"ls-{99:032x}"):
        await refused(traces.call("GetLabelSchema", schema_id=odd), MISSING)
        await refused(traces.call("UpdateLabelSchema", schema_id=odd), MISSING)


async def test_of_equal_names_at_once_one_is_made(traces):
    made = await asyncio.gather(
        *(new_schema(traces) for _ in range(8)),
        *(new_queue(traces, name) for name in ("Weekly", "WEEKLY") * 4),
        return_exceptions=True,
    )
    errors = [each for each in made if isinstance(each, DomainError)]
    assert (len(errors), {each.code for each in errors}) == (14, {TAKEN})


async def test_of_equal_new_names_at_once_one_is_given(traces):
    schemas = [await new_schema(traces, f"s{number}") for number in range(6)]
    queues = [await new_queue(traces, f"q{number}") for number in range(6)]
    made = await asyncio.gather(
        *(traces.call("UpdateLabelSchema", schema_id=each, name="n") for each in schemas),
        *(traces.call("UpdateReviewQueue", queue_id=each, name="N") for each in queues),
        return_exceptions=True,
    )
    errors = [each for each in made if isinstance(each, DomainError)]
    assert (len(errors), {each.code for each in errors}) == (10, {TAKEN})


async def test_a_users_queue_is_made_once(traces):
    asked = (traces.call("GetOrCreateUserQueue", **OF_1, user=user) for user in ("Ada", " ada") * 8)
    made = await asyncio.gather(*asked)
    assert len({each["review_queue"]["queue_id"] for each in made}) == 1
    assert made[0]["review_queue"]["users"] == ["ada"]


async def test_caller_owns_and_completes(traces):
    await traces.start("tr-1")
    created = envelope("CreateReviewQueue", **OF_1, name="q", queue_type="CUSTOM")
    (answer,) = await traces.frame(replace(created, username="Ada"))
    queue = json.loads(answer.body)["review_queue"]
    assert queue["created_by"] == "Ada"
    key = {"queue_id": queue["queue_id"], "item_id": "tr-1"}
    await traces.call("AddItemsToReviewQueue", queue_id=queue["queue_id"], item_ids=["tr-1"])
    for status, wanted in (("COMPLETE", "bob"), ("PENDING", None), ("DECLINED", "bob")):
        command = envelope("SetReviewQueueItemStatus", **key, status=status, completed_by="mallory")
        (answer,) = await traces.frame(replace(command, username="Bob"))
        item = json.loads(answer.body)["item"]
        assert (item["status"], item.get("completed_by")) == (status, wanted)
        assert ("completed_time_ms" in item) is (wanted is not None)


async def test_queues_and_items_come_in_pages(traces):
    queues = [await new_queue(traces, f"q{number}", users=["ada"]) for number in range(5)]
    for number in range(5):
        await traces.start(f"tr-{number}")
    wanted = [f"tr-{number}" for number in range(5)]
    await asyncio.gather(
        *(traces.call("AddItemsToReviewQueue", queue_id=each, item_ids=wanted) for each in queues)
    )
    for filters in ({}, {"user": "ADA"}, {"item_id": "tr-3"}, {"item_id": "tr-3", "user": "ada"}):
        found = await pages(
            traces, "ListReviewQueues", "review_queues", **OF_1, **filters, max_results=2
        )
        assert sorted(each["queue_id"] for page in found for each in page) == sorted(queues)
        assert [len(page) for page in found] == [2, 2, 1]
    for filters in ({}, {"status": "PENDING"}):
        found = await pages(
            traces, "ListReviewQueueItems", "items", queue_id=queues[0], **filters, max_results=2
        )
        assert sorted(each["item_id"] for page in found for each in page) == wanted
    page = await traces.call("ListReviewQueues", **OF_1, max_results=1)
    other = {**OF_1, "user": "ada", "page_token": page["next_page_token"]}
    await refused(traces.call("ListReviewQueues", **other))


async def test_deleted_traces_leave_their_queues(traces):
    for number in range(4):
        await traces.start(f"tr-{number}", request_time=f"2026-01-01T00:00:0{number}Z")
    queues = [await new_queue(traces, name) for name in "ab"]
    ids = [f"tr-{number}" for number in range(4)]
    for each in queues:
        await traces.call("AddItemsToReviewQueue", queue_id=each, item_ids=ids)
    await traces.call("DeleteTraces", **OF_1, request_ids=["tr-0"])
    await traces.call("DeleteTraces", **OF_1, max_timestamp_millis=1767225601000)
    for each in queues:
        assert set(await items(traces, each)) == {"tr-2", "tr-3"}


async def test_traces_that_are_deleted_while_they_are_added_stay_in_no_queue(traces):
    ids = [f"tr-{number}" for number in range(20)]
    queue_id = await new_queue(traces)
    for each in ids:
        await traces.start(each)
    await asyncio.gather(
        *(
            traces.call("AddItemsToReviewQueue", queue_id=queue_id, item_ids=ids[number::4])
            for number in range(4)
        ),
        *(traces.call("DeleteTraces", **OF_1, request_ids=ids[number::3]) for number in range(3)),
        return_exceptions=True,
    )
    assert await items(traces, queue_id) == {}


async def test_a_deleted_queue_loses_its_items_in_portions(traces, pool):
    queue_id = await new_queue(traces, users=["ada"])
    ids = [f"tr-{number}" for number in range(5)]
    for each in ids:
        await traces.start(each)
    await traces.call("AddItemsToReviewQueue", queue_id=queue_id, item_ids=ids)
    await traces.call("DeleteReviewQueue", queue_id=queue_id)
    await refused(traces.call("ListReviewQueueItems", queue_id=queue_id), MISSING)
    listed = await traces.call("ListReviewQueues", **OF_1, item_id="tr-1")
    assert listed["review_queues"] == []
    assert [await review_purges.delete_items(pool, 2) for _ in range(4)] == [
        True,
        True,
        True,
        False,
    ]
    for table in ("review_queue_items", "review_queue_users", "deleted_review_queues"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_purged_experiment_loses_its_reviews(traces, pool, monkeypatch):
    monkeypatch.setattr(housekeeping, "PORTION", 2)
    await traces.start("tr-1")
    for number in range(3):
        await new_schema(traces, f"s{number}")
        queue_id = await new_queue(traces, f"q{number}", users=["ada"])
        await traces.call("AddItemsToReviewQueue", queue_id=queue_id, item_ids=["tr-1"])
    kept = await new_queue(traces, "kept", experiment_id="2")
    await new_schema(traces, "kept", experiment_id="2")
    await traces.happen("experiment.purged", experiment_id="1")
    while await purge_portion(pool) or await review_purges.delete_items(pool, housekeeping.PORTION):
        pass
    rows = await pool.fetch("SELECT queue_id FROM review_queues")
    assert [row["queue_id"] for row in rows] == [kept]
    assert await pool.fetchval("SELECT count(*) FROM label_schemas") == 1
    for table in ("review_queue_items", "review_queue_users", "deleted_review_queues", "purges"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_projects_do_not_see_each_other(traces):
    await traces.start("tr-1")
    schema_id, queue_id = await new_schema(traces), await new_queue(traces)
    await traces.call("AddItemsToReviewQueue", queue_id=queue_id, item_ids=["tr-1"])
    other = await new_queue(traces, "q", 8)
    await new_schema(traces, "Polite?", 8)
    for message, fields in (
        ("GetLabelSchema", {"schema_id": schema_id}),
        ("UpdateLabelSchema", {"schema_id": schema_id, "name": "n"}),
        ("GetReviewQueue", {"queue_id": queue_id}),
        ("UpdateReviewQueue", {"queue_id": queue_id, "name": "n"}),
        ("ListReviewQueueItems", {"queue_id": queue_id}),
        ("RemoveItemsFromReviewQueue", {"queue_id": queue_id, "item_ids": ["tr-1"]}),
        ("AddItemsToReviewQueue", {"queue_id": other, "item_ids": ["tr-1"]}),
    ):
        await refused(traces.call(message, 8, **fields), MISSING)
    await refused(new_queue(traces, "n", 8, schema_ids=[schema_id]))
    await traces.call("DeleteLabelSchema", 8, schema_id=schema_id)
    await traces.call("DeleteReviewQueue", 8, queue_id=queue_id)
    assert await items(traces, queue_id) == {"tr-1": "PENDING"}
    assert (await traces.call("GetLabelSchema", schema_id=schema_id))["label_schema"]


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("CreateLabelSchema", {"name": "a\0b"}),
        ("CreateLabelSchema", {"input": {"numeric": {"min_value": "NaN"}}}),
        ("CreateLabelSchema", {"input": {"numeric": {"max_value": "-Infinity"}}}),
        ("CreateLabelSchema", {"input": {"text": {"max_length": 2**63}}}),
        ("CreateLabelSchema", {"input": {"text": {}, "numeric": {}}}),
        ("CreateLabelSchema", {"input": []}),
        ("CreateLabelSchema", {"type": 7}),
        ("CreateLabelSchema", {"name": "n" * 30_000}),
        ("CreateReviewQueue", {"queue_type": "OTHER"}),
        ("CreateReviewQueue", {"queue_type": -1}),
        ("CreateReviewQueue", {"users": ["a"] * 5000}),
        ("CreateReviewQueue", {"schema_ids": ["a"] * 101}),
        ("CreateReviewQueue", {"users": [7]}),
        ("ListReviewQueues", {"page_token": "x"}),
        ("ListReviewQueues", {"max_results": 2**40}),
        ("ListLabelSchemas", {"page_token": "WzFd"}),
    ],
)
async def test_odd_input_is_refused(traces, message, fields):
    usual = {**OF_1, "name": "n", "queue_type": "CUSTOM", "type": "FEEDBACK", "input": {"text": {}}}
    await refused(traces.call(message, **(usual | fields)))


async def test_an_error_names_some_traces(traces):
    ids = [f"none-{number}" for number in range(limits.TRACES)]
    queue_id = await new_queue(traces)
    call = traces.call("AddItemsToReviewQueue", queue_id=queue_id, item_ids=ids)
    assert len(await refused(call, MISSING)) < 3000
