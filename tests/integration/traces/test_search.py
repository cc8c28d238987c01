"""Searching traces: filters, orders and pages."""

import pytest

from services.traces.store.search_traces import Searched, search_trace_ids
from shared.contracts.errors import DomainError
from shared.mlflow.search.bounded import Budget
from tests.integration.traces.conftest import PROJECT

SMALL = Budget(driven=2, walked=2, shared=2, pages=1)
"""Bounds that a handful of traces reaches, so that every way to search is taken."""


@pytest.fixture
async def filled(traces):
    """Six traces: the later ones have higher numbers."""
    for number in range(6):
        await traces.start(
            f"tr-{number}",
            request_time=f"2026-01-01T00:00:0{number}Z",
            execution_duration=f"{6 - number}s",
            state="ERROR" if number == 2 else "OK",
            client_request_id=f"client-{number}",
            tags={
                "mlflow.traceName": f"name {number % 2}",
                **({"team": f"t{number}"} if number < 3 else {}),
            },
            trace_metadata={"mlflow.trace.session": f"s{number // 2}", "long": "x" * 300},
        )
    return traces


@pytest.mark.parametrize("budget", [None, SMALL], ids=["bounds", "small bounds"])
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", "543210"),
        ("tags.team = 't1'", "1"),
        ("tag.team != 't1'", "20"),
        ("tags.team LIKE 't%'", "210"),
        ("tags.team ILIKE 'T%'", "210"),
        ("tags.team RLIKE '^t[12]$'", "21"),
        ("tags.team IS NULL", "543"),
        ("tags.team IS NOT NULL", "210"),
        ("metadata.`mlflow.trace.session` = 's1'", "32"),
        ("request_metadata.`mlflow.trace.session` != 's1'", "5410"),
        ("metadata.long LIKE 'x%'", "543210"),
        ("metadata.long = 'x'", ""),
        ("name = 'name 1'", "531"),
        ("attributes.name IN ('name 1', 'other')", "531"),
        ("trace.name LIKE '%0'", "420"),
        ("name RLIKE '1$' AND tags.team = 't1'", "1"),
        ("status = 'ERROR'", "2"),
        ("status != 'ERROR'", "54310"),
        ("status IN ('ERROR', 'IN_PROGRESS')", "2"),
        ("timestamp > 1767225603000", "54"),
        ("timestamp_ms <= 1767225601000", "10"),
        ("execution_time < 3000", "54"),
        ("execution_time_ms = 3000", "3"),
        ("end_time = 1767225606000", "543210"),
        ("end_time > 1767225606000", ""),
        ("request_id = 'tr-4'", "4"),
        ("request_id IN ('tr-4', 'tr-1', 'x')", "41"),
        ("request_id != 'tr-4'", "53210"),
        ("client_request_id = 'client-3'", "3"),
        ("client_request_id LIKE 'client-%'", "543210"),
        ("tags.team LIKE 't%' AND status = 'OK' AND timestamp > 0", "10"),
    ],
)
async def test_a_filter_finds_what_satisfies_it(filled, text, numbers, budget):
    searched = Searched([1], text, [], None, None)
    async with filled.pool.acquire() as connection:
        page = await search_trace_ids(connection, PROJECT, searched, budget)
    assert "".join(each.removeprefix("tr-") for each in page.items) == numbers


@pytest.mark.parametrize(
    ("orders", "numbers"),
    [
        (["timestamp ASC"], "012345"),
        (["timestamp_ms DESC"], "543210"),
        (["execution_time"], "543210"),
        (["execution_time DESC"], "012345"),
        (["end_time"], "543210"),
        (["status", "timestamp"], "201345"),
        (["request_id DESC"], "543210"),
        (["name DESC"], "531420"),
        (["tags.team"], "012543"),
        (["tags.team DESC"], "210543"),
        (["metadata.`mlflow.trace.session`"], "103254"),
        (["attributes.run_id"], "543210"),
    ],
)
async def test_an_order_and_its_pages(filled, orders, numbers):
    found, token = "", None
    while True:
        ids, token = await filled.search(order_by=orders, max_results=4, page_token=token)
        found += "".join(each.removeprefix("tr-") for each in ids)
        if not token:
            break
    assert found == numbers


async def test_pages_hold_while_traces_arrive(filled):
    first, token = await filled.search(max_results=3)
    await filled.start("tr-9", request_time="2026-01-01T00:01:00Z")
    second, end = await filled.search(max_results=3, page_token=token)
    assert (first + second, end) == ([f"tr-{number}" for number in (5, 4, 3, 2, 1, 0)], None)


async def test_only_the_named_experiments_are_searched(filled):
    await filled.start("tr-8", experiment="2")
    assert await filled.search(["2"]) == (["tr-8"], None)
    both, _ = await filled.search(["1", "2"], filter="status = 'OK'")
    assert sorted(both) == ["tr-0", "tr-1", "tr-3", "tr-4", "tr-5", "tr-8"]
    assert await filled.search([]) == ([], None)
    assert await filled.search(["99", "-1"]) == ([], None)


async def test_mlflow_2_searches_the_same_in_its_own_form(filled):
    reply = await filled.call(
        "SearchTraces", experiment_ids=["1"], filter="status = 'ERROR'", max_results=5
    )
    assert [each["request_id"] for each in reply["traces"]] == ["tr-2"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": "feedback.a = 5"}, "Expected a quoted string value for feedback"),
        ({"filter": "feedback.a IN ('a')"}, "Expected a quoted string value for feedback"),
        ({"filter": "expectation.a > '1'"}, "Expected a numeric value for expectation"),
        ({"filter": "feedback.a RLIKE '('"}, "Invalid regular expression"),
        ({"filter": "feedback.a NOT LIKE 'a'"}, "Invalid comparator 'NOT LIKE'"),
        ({"filter": "issue.name = 'a'"}, "Invalid issue attribute 'name'"),
        ({"filter": "issue.id != 'a'"}, "Invalid comparator '!='"),
        ({"filter": "prompt LIKE 'a/1'"}, "Only '=' is supported"),
        ({"filter": "prompt = 'a'"}, "Expected format"),
        ({"filter": "tags.a RLIKE '('"}, "Invalid regular expression"),
        ({"filter": "tags.a > '1'"}, "Invalid comparator"),
        ({"filter": "status IS NULL"}, "only supported for tags and metadata"),
        ({"filter": "nonsense.a = '1'"}, "Invalid entity type 'nonsense'"),
        ({"filter": "nonsense = '1'"}, "Invalid attribute key 'nonsense'"),
        ({"filter": "timestamp = 'a'"}, "Expected numeric value"),
        ({"order_by": ["client_request_id"]}, "Invalid attribute key"),
        ({"order_by": ["feedback.a"]}, "Invalid identifier type 'feedback'"),
        ({"order_by": ["name", "name"]}, "duplicate"),
        ({"max_results": 501}, "at most 500"),
        ({"max_results": 0}, "positive integer"),
        ({"page_token": "x"}, "Invalid page token"),
    ],
)
async def test_a_mistake_is_explained(traces, fields, message):
    with pytest.raises(DomainError) as caught:
        await traces.search(**fields)
    assert message in caught.value.message
