"""Assessments: what MLflow's own answers don't show, as limits, repetition, deletion and concurrency."""

import asyncio
import json

import pytest

from services.traces.housekeeping import purge_portion
from services.traces.store.search_traces import Searched, search_trace_ids
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.messages import Frame, new_id
from tests.integration.traces.conftest import PROJECT, Traces, again, envelope
from tests.integration.traces.test_search import SMALL

MISSING = ErrorCode.RESOURCE_DOES_NOT_EXIST


async def refused(call, code=ErrorCode.INVALID_PARAMETER_VALUE) -> str:
    with pytest.raises(DomainError) as caught:
        await call
    assert caught.value.code is code
    return caught.value.message


async def assess(traces: Traces, trace_id="tr-1", project=PROJECT, **fields):
    fields = {"assessment_name": "good", "feedback": {"value": "yes"}, **fields}
    reply = await traces.call("CreateAssessment", project, trace_id=trace_id, assessment=fields)
    return reply["assessment"]["assessment_id"]


async def values(traces: Traces, trace_id="tr-1"):
    """Return the values of a trace's feedback that are valid."""
    info = await traces.info(trace_id)
    return [each["feedback"]["value"] for each in info.get("assessments", []) if each["valid"]]


async def test_an_assessment_is_stored_once_however_often_its_command_comes(traces):
    await traces.start("tr-1")
    command = envelope("CreateAssessment", trace_id="tr-1", assessment={"feedback": {"value": 1}})
    frame = Frame(new_id(), "commands", (command,))
    for redelivered in (False, True):
        await traces.executor.commands(frame, redelivered=redelivered)
    assert await values(traces) == [1.0]
    await traces.frame(again(command))
    assert await values(traces) == [1.0, 1.0]


async def test_a_trace_that_is_sent_again_brings_no_second_copy(traces):
    given = [{"feedback": {"value": 1}}, {"feedback": {"value": 1}}, {"feedback": {"value": 2}}]
    for _ in range(2):
        await traces.start("tr-1", assessments=given)
    assert sorted(await values(traces)) == [1.0, 1.0, 2.0]


async def test_what_overrides_comes_with_its_trace(traces):
    given = [
        {"assessment_id": "new", "feedback": {"value": 2}, "overrides": "old"},
        {"assessment_id": "old", "feedback": {"value": 1}},
    ]
    await traces.start("tr-1", assessments=given)
    assert await values(traces) == [2.0]
    twice = [{"assessment_id": "a", "feedback": {"value": value}} for value in (1, 2)]
    await traces.start("tr-2", assessments=twice)
    assert await values(traces, "tr-2") == [2.0]


async def test_one_project_never_sees_anothers_assessments(traces):
    for project in (PROJECT, 8):
        await traces.start("tr-1", project)
    own = await assess(traces, assessment_id="same")
    await assess(traces, project=8, assessment_id="same", feedback={"value": "no"})
    await traces.call("DeleteAssessment", 8, trace_id="tr-1", assessment_id=own)
    assert await values(traces) == ["yes"]
    other = traces.call("GetAssessment", 8, trace_id="tr-1", assessment_id=own)
    assert "not found" in await refused(other, MISSING)
    of_other_trace = traces.call("GetAssessment", trace_id="tr-2", assessment_id=own)
    assert "Trace with request_id 'tr-2' not found" in await refused(of_other_trace, MISSING)


async def test_assessments_go_with_their_trace(traces, pool):
    for trace_id in ("tr-1", "tr-2"):
        await traces.start(trace_id)
        await assess(traces, trace_id)
    await traces.call("DeleteTraces", experiment_id="1", request_ids=["tr-1"])
    assert await pool.fetchval("SELECT string_agg(trace_id, ',') FROM assessments") == "tr-2"
    await traces.happen("experiment.purged", experiment_id="1")
    assert await purge_portion(pool)
    assert await pool.fetchval("SELECT count(*) FROM assessments") == 0


async def test_an_id_is_used_once_in_a_trace(traces):
    await traces.start("tr-1")
    await traces.start("tr-2")
    await assess(traces, assessment_id="mine")
    taken = assess(traces, assessment_id="mine", feedback={"value": "no"})
    assert "already exists" in await refused(taken, ErrorCode.RESOURCE_ALREADY_EXISTS)
    await assess(traces, "tr-2", assessment_id="mine")
    assert await values(traces) == await values(traces, "tr-2") == ["yes"]


async def test_an_overridden_one_is_restored_when_nothing_overrides_it(traces):
    await traces.start("tr-1")
    first = await assess(traces, feedback={"value": 0})
    others = [await assess(traces, feedback={"value": n}, overrides=first) for n in (1, 2)]
    await traces.call("DeleteAssessment", trace_id="tr-1", assessment_id=others[0])
    assert await values(traces) == [2.0]
    await traces.call("DeleteAssessment", trace_id="tr-1", assessment_id=others[1])
    assert await values(traces) == [0.0]


async def test_a_reference_to_an_issue_is_changed_like_feedback(traces):
    await traces.start("tr-1")
    key = {"trace_id": "tr-1"}
    key["assessment_id"] = await assess(traces, feedback=None, issue={"issue_name": "slow"})
    change = {"rationale": "because", "metadata": {"a": "1"}}
    reply = await traces.call(
        "UpdateAssessment", **key, assessment=change, update_mask="rationale,metadata"
    )
    shown = reply["assessment"]
    assert (shown["issue"], shown["rationale"], shown["metadata"]) == (
        {"issue_name": "slow"},
        "because",
        {"a": "1"},
    )
    wrong = traces.call(
        "UpdateAssessment", **key, assessment={"feedback": {"value": 1}}, update_mask="feedback"
    )
    assert "on an IssueReference assessment" in await refused(wrong)


@pytest.mark.parametrize("mask", ["assessment_name", "assessmentName", "assessmentName,rationale"])
async def test_names_in_a_mask_may_be_written_in_both_ways(traces, mask):
    await traces.start("tr-1")
    key = {"trace_id": "tr-1", "assessment_id": await assess(traces)}
    reply = await traces.call(
        "UpdateAssessment", **key, assessment={"assessment_name": "n"}, update_mask=mask
    )
    assert reply["assessment"]["assessment_name"] == "n"


async def test_validity_cannot_be_set(traces):
    await traces.start("tr-1")
    key = {"trace_id": "tr-1", "assessment_id": await assess(traces)}
    change = traces.call(
        "UpdateAssessment", **key, assessment={"valid": False}, update_mask="valid"
    )
    assert "`valid` can't be updated" in await refused(change)


DEEP = json.loads("[" * 150 + "]" * 150)


@pytest.mark.parametrize(
    "fields",
    [
        {"span_id": "no such span"},
        {"feedback": {"value": DEEP}},
        {"feedback": {"value": {"🐇": "\u2028 \x1f"}}},
        {"assessment_name": "a" * 250, "feedback": {"value": "x" * 100_000}},
        {"metadata": {f"k{number}": "v" for number in range(1000)}},
    ],
)
async def test_an_odd_assessment_is_kept(traces, fields):
    await traces.start("tr-1")
    key = {"trace_id": "tr-1", "assessment_id": await assess(traces, **fields)}
    read = (await traces.call("GetAssessment", **key))["assessment"]
    assert {name: read[name] for name in fields} == fields


def _serialized(text):
    value = {"serialization_format": "JSON_FORMAT", "value": text}
    return {"feedback": None, "expectation": {"serialized_value": value}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"feedback": {"value": "a\0b"}}, "NUL character"),
        ({"metadata": {"a": "\0"}}, "NUL character"),
        ({"feedback": {"value": float("nan")}}, "must be finite"),
        ({"feedback": {"value": [float("inf")]}}, "must be finite"),
        ({"feedback": {"value": 10**400}}, "must be finite"),
        ({"feedback": {"value": "x" * limits.ASSESSMENT}}, "at most 500000 bytes"),
        ({"rationale": "ü" * (limits.ASSESSMENT // 2)}, "at most 500000 bytes"),
        ({"feedback": {"value": "\ud800"}}, "Malformed JSON"),
        ({"feedback": {"value": json.loads("[" * 250 + "]" * 250)}}, "Malformed JSON"),
        ({"feedback": "yes"}, "assessment.feedback"),
        ({"metadata": {"a": 1}}, "assessment.metadata.a"),
        ({"metadata": {f"k{n}": "" for n in range(1001)}}, "assessment.metadata"),
        ({"create_time": 2**63}, "assessment.create_time"),
        ({"create_time": "yesterday"}, "assessment.create_time"),
        ({"assessment_name": "a" * 251}, "maximum length of 250"),
        ({"assessment_id": "a" * 51}, "maximum length of 50"),
        ({"span_id": "a" * 51}, "maximum length of 50"),
        ({"expectation": {"value": 1}}, "only one of feedback, expectation"),
        (_serialized("{"), "no JSON"),
        (_serialized("NaN"), "must be finite"),
        (_serialized("[" * 100_000), "no JSON"),
        (_serialized("9" * 10_000), "no JSON"),
        (_serialized("9" * 4_000), "must be finite"),
    ],
)
async def test_a_mistake_is_explained(traces, fields, message):
    await traces.start("tr-1")
    assert message in await refused(assess(traces, **fields))
    assert await values(traces) == []


async def test_a_trace_has_a_bounded_number_of_assessments(traces):
    many = [{"feedback": {"value": number}} for number in range(limits.ASSESSMENTS)]
    await traces.start("tr-1", assessments=many)
    assert "at most 1000 assessments" in await refused(assess(traces))
    too_many = traces.start("tr-2", assessments=[*many, {"feedback": {}}])
    assert "at most 1000 elements" in await refused(too_many)
    large = {"feedback": {"value": "x" * (limits.ASSESSMENT - 1000)}}
    await traces.start("tr-3", assessments=[large] * 4)
    assert "at most 2000000 bytes" in await refused(assess(traces, "tr-3", **large))


async def test_a_page_ends_before_its_assessments_are_too_large(traces, monkeypatch):
    for number in range(5):
        await traces.start(f"tr-{number}", request_time=f"2026-01-01T00:00:0{number}Z")
        await assess(traces, f"tr-{number}", feedback={"value": "x" * 1000})
    monkeypatch.setattr(limits, "ASSESSMENTS_OF_REPLY", 4000)
    found, token = await traces.search()
    assert found == ["tr-4", "tr-3"]
    found, token = await traces.search(page_token=token)
    assert found == ["tr-2", "tr-1"]
    assert await traces.search(page_token=token) == (["tr-0"], None)
    monkeypatch.setattr(limits, "ASSESSMENTS_OF_REPLY", 10)
    assert (await traces.search())[0] == ["tr-4"]
    both = traces.call("BatchGetTraceInfos", trace_ids=["tr-1", "tr-2"])
    assert "Ask for fewer traces" in await refused(both)
    assert (await traces.call("BatchGetTraceInfos", trace_ids=["tr-1"]))["trace_infos"]


@pytest.mark.parametrize("budget", [None, SMALL], ids=["bounds", "small bounds"])
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("feedback.a LIKE 'good%'", "0"),
        ("feedback.a LIKE '%bye'", "0"),
        ("feedback.a ILIKE 'GOOD_BYE'", "0"),
        ("feedback.a LIKE '\"good%'", "0"),
        ("feedback.a LIKE 'a \"%'", "1"),
        ("feedback.a RLIKE '^(good|ü)'", "20"),
        ("feedback.a LIKE '%ü%'", "2"),
        ("feedback.a LIKE 'x%'", "3"),
        ("feedback.a RLIKE 'x$'", "3"),
        ("feedback.a ILIKE 'X%'", "3"),
        ("feedback.name = 'n'", "3"),
        ("feedback.timestamp > 2.5", "3"),
    ],
)
async def test_patterns_are_compared_with_texts_as_they_are(traces, pool, text, numbers, budget):
    for number, value in enumerate(["good bye", 'a "b"', "ü", "x" * 300]):
        await traces.start(f"tr-{number}", request_time=f"2026-01-01T00:00:0{number}Z")
        await assess(traces, f"tr-{number}", assessment_name="a", feedback={"value": value})
    await assess(traces, "tr-3", assessment_name="name", feedback={"value": "n"})
    await assess(traces, "tr-3", assessment_name="timestamp", feedback={"value": 3})
    async with pool.acquire() as connection:
        searched = Searched([1], text, [], None, None)
        page = await search_trace_ids(connection, PROJECT, searched, budget)
    assert "".join(each.removeprefix("tr-") for each in page.items) == numbers


async def outcome(call):
    """Return an error's code, or what a call returns."""
    try:
        return await call
    except DomainError as error:
        return error.code


async def test_two_overrides_at_once_both_count(traces):
    await traces.start("tr-1")
    first = await assess(traces, feedback={"value": 0})
    calls = (assess(traces, feedback={"value": n}, overrides=first) for n in (1, 2, 3, 4))
    await asyncio.gather(*calls)
    assert sorted(await values(traces)) == [1.0, 2.0, 3.0, 4.0]


async def test_nothing_is_left_of_a_trace_that_is_deleted_beside_changes(traces, pool):
    for round_ in range(5):
        trace_id = f"tr-{round_}"
        await traces.start(trace_id)
        key = {"trace_id": trace_id, "assessment_id": await assess(traces, trace_id)}
        change = {"assessment": {"rationale": "r"}, "update_mask": "rationale"}
        results = await asyncio.gather(
            outcome(traces.call("DeleteTraces", experiment_id="1", request_ids=[trace_id])),
            *(outcome(traces.call("UpdateAssessment", **key, **change)) for _ in range(3)),
            *(outcome(assess(traces, trace_id)) for _ in range(3)),
            outcome(traces.call("DeleteAssessment", **key)),
        )
        assert {each for each in results if isinstance(each, ErrorCode)} <= {MISSING}
    assert await pool.fetchval("SELECT count(*) FROM assessments") == 0


async def test_assessments_follow_a_trace_that_moves_meanwhile(traces, pool):
    await traces.start("tr-1")
    moves = (traces.start("tr-1", experiment=str(1 + number % 2)) for number in range(6))
    await asyncio.gather(*moves, *(assess(traces) for _ in range(6)))
    places = await pool.fetch(
        "SELECT DISTINCT a.experiment_id = t.experiment_id AS same FROM assessments a"
        " JOIN traces t USING (project_id, trace_id)"
    )
    assert [row["same"] for row in places] == [True]
