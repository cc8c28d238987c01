"""Issues: pages, limits, isolation and purges."""

import asyncio

import pytest

from services.traces.housekeeping import purge_portion
from services.traces.store.search_issues import SearchedIssues, search_issue_ids
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode
from tests.integration.traces.conftest import PROJECT, Traces, envelope
from tests.integration.traces.test_search import SMALL

MISSING = ErrorCode.RESOURCE_DOES_NOT_EXIST


async def refused(call, code=ErrorCode.INVALID_PARAMETER_VALUE) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    assert caught.value.code is code
    return caught.value.message


async def found(traces: Traces, name: str, project=PROJECT, **fields) -> str:
    """Describe an issue and return its id."""
    fields = {"experiment_id": "1", "description": "d", "name": name, **fields}
    return (await traces.call("CreateIssue", project, **fields))["issue"]["issue_id"]


async def pages(traces: Traces, **fields):
    """Return the names of all pages, and the number of pages."""
    names, token, number = [], None, 0
    while True:
        reply = await traces.call("SearchIssues", page_token=token, **fields)
        names += [each["name"] for each in reply["issues"]]
        token, number = reply.get("next_page_token"), number + 1
        if not token:
            return names, number


@pytest.fixture
async def filled(traces):
    """Issues of each severity, two of each, and traces that refer to them."""
    await traces.start("tr-1")
    await traces.start("tr-2")
    severities = ("low", "high", "not_an_issue", None, "medium")
    for number in range(2):
        for severity in severities:
            await asyncio.sleep(0.002)
            name = f"{severity}{number}"
            status = "resolved" if severity == "low" else "pending"
            issue_id = await found(traces, name, severity=severity, status=status)
            for trace_id in ("tr-1", "tr-2")[number:]:
                assessment = {"assessment_name": issue_id, "issue": {"issue_name": name}}
                await traces.call("CreateAssessment", trace_id=trace_id, assessment=assessment)
    return traces


NEWEST = "high1 high0 medium1 medium0 low1 low0 not_an_issue1 not_an_issue0 None1 None0"
MOST_TRACES = "high0 high1 medium0 medium1 low0 low1 not_an_issue0 not_an_issue1 None0 None1"


@pytest.mark.parametrize("place", [{}, {"experiment_id": "1"}])
async def test_pages_are_in_order(filled, place):
    assert await pages(filled, **place, max_results=3) == (NEWEST.split(), 4)
    assert await pages(filled, **place) == (NEWEST.split(), 1)
    by_traces = await pages(filled, **place, include_trace_count=True, max_results=3)
    assert by_traces == (MOST_TRACES.split(), 4)
    resolved = await pages(filled, **place, filter_string="status = 'resolved'", max_results=1)
    assert resolved == (["low1", "low0"], 2)


@pytest.mark.parametrize("budget", [None, SMALL], ids=["bounds", "small bounds"])
@pytest.mark.parametrize("by_traces", [False, True])
@pytest.mark.parametrize(
    ("text", "number"),
    [("status != 'resolved'", 8), ("status = pending", 8), ("source_run_id != 'r'", 0)],
)
async def test_every_way_to_search_finds_the_same(filled, text, number, by_traces, budget):
    searched = SearchedIssues(1, text, by_traces, 100, None)
    async with filled.pool.acquire() as connection:
        page = await search_issue_ids(connection, PROJECT, searched, budget)
    assert len(page.items) == number


async def test_a_page_ends_before_it_is_too_large(filled, monkeypatch):
    monkeypatch.setattr(limits, "ASSESSMENTS_OF_REPLY", 2000)
    assert await pages(filled) == (NEWEST.split(), 4)


async def test_an_issue_belongs_to_a_project_an_experiment_and_a_run(traces, tracking):
    tracking.runs.add("r1")
    own = await found(traces, "a", source_run_id="r1")
    assert "r2" in await refused(found(traces, "b", source_run_id="r2"), MISSING)
    tracking.stages["2"] = "deleted"
    assert "No Experiment" in await refused(found(traces, "b", experiment_id="2"), MISSING)
    assert "No Experiment" in await refused(found(traces, "b", experiment_id="-1"), MISSING)
    assert await pages(traces, filter_string="source_run_id = 'r1'") == (["a"], 1)
    assert (await traces.call("SearchIssues", 8))["issues"] == []
    for name in ("GetIssue", "UpdateIssue"):
        assert "not found" in await refused(traces.call(name, 8, issue_id=own, name="x"), MISSING)


async def test_issues_go_with_their_experiment(traces, pool):
    await found(traces, "a")
    await found(traces, "b", experiment_id="2")
    await traces.happen("experiment.purged", experiment_id="1")
    while await purge_portion(pool):
        pass
    assert await pages(traces) == (["b"], 1)
    assert "No Experiment" in await refused(found(traces, "c"), MISSING)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"status": "open"}, "parameter 'status'"),
        ({"severity": "bad"}, "parameter 'severity'"),
        ({"name": "a" * 251}, "maximum length of 250"),
        ({"name": "\0"}, "NUL character"),
        ({"description": "ü" * (limits.ASSESSMENT // 2)}, "at most 500000 bytes"),
        ({"root_causes": ["a"] * 101}, "at most 100 elements"),
        ({"categories": "a"}, "parameter 'categories'"),
        ({"created_by": "a" * 256}, "maximum length of 255"),
        ({"source_run_id": "a" * 33}, "maximum length of 32"),
    ],
)
async def test_a_mistake_is_explained(traces, fields, message):
    await refused(found(traces, **{"name": "a", **fields}))
    assert message in await refused(found(traces, **{"name": "a", **fields}))


async def test_a_token_belongs_to_its_search(filled):
    token = (await filled.call("SearchIssues", max_results=1))["next_page_token"]
    other = filled.call("SearchIssues", experiment_id="1", page_token=token)
    assert "page token" in (await refused(other)).lower()
    assert "page token" in (await refused(filled.call("SearchIssues", page_token="x"))).lower()


async def test_changes_at_once_wait_for_each_other(traces):
    ids = [await found(traces, str(number)) for number in range(4)]

    def changes(order):
        return traces.frame(
            *(envelope("UpdateIssue", issue_id=each, status="resolved") for each in order)
        )

    await asyncio.gather(*(changes(order) for order in (ids, ids[::-1]) * 3))
    assert len((await pages(traces, filter_string="status = 'resolved'"))[0]) == 4
