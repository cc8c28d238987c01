"""Scorers: versions under concurrency, limits, odd input, and their end with the experiment."""

import asyncio
import json

import pytest

from services.traces.housekeeping import purge_portion
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.messages import Frame, new_id
from tests.integration.traces.conftest import envelope
from tests.integration.traces.test_traces import refused

JUDGE = json.dumps(
    {"name": "j", "instructions_judge_pydantic_data": {"model": "openai:/m", "instructions": "ü"}}
)
POLITE = {"experiment_id": "1", "name": "polite"}


async def register(traces, serialized=JUDGE, project=7, /, **more):
    fields = {**POLITE, "serialized_scorer": serialized, **more}
    return await traces.call("RegisterScorer", project, **fields)


async def numbers(traces):
    listed = await traces.call("ListScorerVersions", **POLITE)
    return [each["scorer_version"] for each in listed["scorers"]]


async def test_versions_are_numbered_without_gaps_whoever_registers(traces):
    made = await asyncio.gather(*(register(traces) for _ in range(16)))
    assert sorted(each["version"] for each in made) == list(range(1, 17))
    assert len({each["scorer_id"] for each in made}) == 1
    assert await numbers(traces) == list(range(1, 17))


async def test_registrations_of_one_frame_are_numbered(traces):
    commands = [
        envelope("RegisterScorer", experiment_id="1", name=name, serialized_scorer=JUDGE)
        for name in ("polite", "other", "polite")
    ]
    answers = await traces.frame(*commands)
    assert [json.loads(each.body)["version"] for each in answers] == [1, 1, 2]


async def test_a_repeated_command_registers_once(traces):
    command = envelope("RegisterScorer", **POLITE, serialized_scorer=JUDGE)
    frame = Frame(new_id(), "commands", [command])
    first, second = [await traces.frame(frame=frame) for _ in range(2)]
    assert first == second
    assert await numbers(traces) == [1]


async def test_deletions_and_registrations_at_once_leave_no_double(traces):
    await register(traces)
    for _ in range(5):
        delete = traces.call("DeleteScorer", **POLITE, version=max(await numbers(traces)))
        await asyncio.gather(delete, *(register(traces) for _ in range(4)))
        found = await numbers(traces)
        assert len(found) == len(set(found))
    newest = await traces.call("GetScorer", **POLITE)
    assert newest["scorer"]["scorer_version"] == max(found)
    (listed,) = (await traces.call("ListScorers", experiment_id="1"))["scorers"]
    assert listed == newest["scorer"]


async def test_last_version_takes_the_scorer_and_its_configuration(traces):
    first = await register(traces)
    await traces.call("UpsertOnlineScoringConfig", **POLITE, sample_rate=0)
    await traces.call("DeleteScorer", **POLITE, version=1)
    await refused(traces.call("GetScorer", **POLITE), ErrorCode.RESOURCE_DOES_NOT_EXIST)
    second = await register(traces)
    assert second["version"] == 1
    ids = [first["scorer_id"], second["scorer_id"]]
    assert (await traces.call("GetOnlineScoringConfigs", scorer_ids=ids))["configs"] == []


async def test_projects_do_not_see_each_other(traces):
    made = await register(traces)
    await traces.call("UpsertOnlineScoringConfig", **POLITE, sample_rate=0)
    assert (await register(traces, JUDGE, 8))["version"] == 1
    assert (await traces.call("ListScorers", 9))["scorers"] == []
    ids = [made["scorer_id"]]
    assert (await traces.call("GetOnlineScoringConfigs", 8, scorer_ids=ids))["configs"] == []
    await traces.call("DeleteScorer", 8, **POLITE)
    assert await numbers(traces) == [1]


@pytest.mark.parametrize(
    "serialized",
    [
        "",
        "[]",
        "null",
        "7",
        "NaN",
        "{",
        '{"a": ' + "[" * 40_000 + "]" * 40_000 + "}",
        '{"a": ' + "9" * 5000 + "}",
        json.dumps({"a": [{"b": {"call_source": "x"}}]}),
        json.dumps({"instructions_judge_pydantic_data": "text"}),
        json.dumps({"memory_augmented_judge_data": {"base_judge": [1]}}),
        json.dumps({"builtin_scorer_pydantic_data": {"model": ["gateway:/x"]}}),
        json.dumps({"third_party_scorer_data": {"kwargs": {"x": [[["fallbacks", 1]]]}}}),
        "a\0b",
        '"' + "x" * limits.SCORER_JSON + '"',
    ],
    ids=range(15),
)  # fmt: skip
async def test_odd_scorers_are_refused(traces, serialized):
    await refused(register(traces, serialized))


async def test_escapes_inside_a_scorer_are_kept(traces):
    serialized = json.dumps({"name": "\0 \ud800 ü", "n": 10**30})
    await register(traces, serialized)
    found = await traces.call("GetScorer", **POLITE)
    assert found["scorer"]["serialized_scorer"] == serialized


@pytest.mark.parametrize("rate", ["NaN", "Infinity", "x", None, [], 1e308])
async def test_odd_rates_are_refused(traces, rate):
    await register(traces)
    await refused(traces.call("UpsertOnlineScoringConfig", **POLITE, sample_rate=rate))


@pytest.mark.parametrize("experiment", ["-1", "9" * 30, "1e3", " 7 ", "x" * 20_000])
async def test_odd_experiments_are_refused(traces, experiment):
    with pytest.raises(DomainError):
        await register(traces, experiment_id=experiment)


async def test_lists_have_a_bound(traces, monkeypatch):
    monkeypatch.setattr(limits, "SCORERS", 2)
    monkeypatch.setattr(limits, "SCORER_VERSIONS", 2)
    monkeypatch.setattr(limits, "SCORERS_JSON", 3 * len(JUDGE))
    await register(traces)
    await register(traces, name="second")
    await register(traces)
    assert "no room for another version" in await refused(register(traces))
    assert "no room for another scorer" in await refused(register(traces, name="third"))
    monkeypatch.setattr(limits, "SCORER_EXPERIMENTS", 1)
    await register(traces, experiment_id="2")
    assert "Name fewer experiments" in await refused(traces.call("ListScorers"))
    listed = await traces.call("ListScorers", experiment_ids=["2"])
    assert [each["experiment_id"] for each in listed["scorers"]] == [2]


async def test_a_purged_experiment_loses_its_scorers(traces, pool):
    await register(traces)
    await register(traces, experiment_id="2")
    await traces.happen("experiment.purged", experiment_id="1")
    assert await purge_portion(pool)
    assert not await purge_portion(pool)
    for table in ("scorers", "scorer_versions"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 1
