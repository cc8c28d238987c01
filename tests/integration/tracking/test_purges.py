"""Purging: portion by portion, and nothing is left of what is gone."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.tracking.handlers.purges import purge_deleted
from services.tracking.store import documents
from shared.contracts.errors import DomainError
from shared.contracts.purges import PurgeDeleted
from tests.explaining import Explaining, pages_read
from tests.integration.tracking.conftest import PROJECT, Tracking

DAY = 86_400_000
ROWS_OF_RUNS = (
    "metric_series",
    "params",
    "tags",
    "run_inputs",
    "run_input_tags",
    "run_model_inputs",
    "run_model_outputs",
    "logged_model_metrics",
)


async def purge(tracking: Tracking, **scope: Any) -> dict[str, int]:
    """Purge a scope to its end; return the sums of what the commands say."""
    sums = dict.fromkeys(("runs", "logged_models", "experiments", "rows"), 0)
    for _ in range(200):
        reply = await tracking.call("PurgeDeleted", **scope)
        if reply["finished"]:
            return sums
        sums = {name: total + reply[name] for name, total in sums.items()}
    raise AssertionError(sums)


async def model(tracking: Tracking, experiment_id: str = "0") -> str:
    reply = await tracking.call("CreateLoggedModel", experiment_id=experiment_id)
    model_id: str = reply["model"]["info"]["model_id"]
    return model_id


async def full_run(tracking: Tracking, model_id: str, experiment_id: str = "0") -> str:
    """Make a run that has a row in every table."""
    run_id = await tracking.run(experiment_id=experiment_id)
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "s"}
    tags = [{"key": "mlflow.data.context", "value": "train"}]
    await tracking.call(
        "LogInputs",
        run_id=run_id,
        datasets=[{"dataset": dataset, "tags": tags}],
        models=[{"model_id": model_id}],
    )
    await tracking.call("LogOutputs", run_id=run_id, models=[{"model_id": model_id}])
    metrics = [
        {"key": "m", "value": step, "timestamp": 1, "step": step, "model_id": model_id}
        for step in range(20)
    ]
    params = [{"key": "p", "value": "1"}]
    await tracking.call("LogBatch", run_id=run_id, metrics=metrics, params=params)
    return run_id


async def owners(tracking: Tracking, table: str) -> set[str]:
    """Return the ids of the runs that have rows in a table."""
    rows = await tracking.pool.fetch(f"SELECT DISTINCT run_id FROM {table}")
    return {row["run_id"].hex for row in rows}


async def points_without_series(tracking: Tracking) -> int:
    count: int = await tracking.pool.fetchval(
        "SELECT count(*) FROM metric_points LEFT JOIN metric_series USING (project_id, series_id)"
        " WHERE run_id IS NULL"
    )
    return count


async def age(tracking: Tracking, days: int) -> None:
    """Let what was deleted have been deleted some days ago."""
    for table, column in (
        ("runs", "deleted_time"),
        ("experiments", "last_update_time"),
        ("logged_models", "last_updated_timestamp_ms"),
    ):
        await tracking.pool.execute(
            f"UPDATE {table} SET {column} = {column} - $1 WHERE deleted", days * DAY
        )


async def test_nothing_is_left_of_a_purged_run_and_all_of_the_others(
    tracking: Tracking,
) -> None:
    tracking.handlers[PurgeDeleted] = partial(purge_deleted, max_rows=3)
    model_id = await model(tracking)
    gone, kept, deleted = [await full_run(tracking, model_id) for _ in range(3)]
    await tracking.call("DeleteRun", run_id=gone)
    await age(tracking, 31)
    await tracking.call("DeleteRun", run_id=deleted)
    tracking.events.clear()
    done = await purge(tracking, older_than=30 * DAY)
    assert (done["runs"], done["logged_models"], done["experiments"]) == (1, 0, 0)
    for table in ("runs", *ROWS_OF_RUNS):
        assert await owners(tracking, table) == {kept, deleted}, table
    assert await points_without_series(tracking) == 0
    with pytest.raises(DomainError, match="not found"):
        await tracking.call("RestoreRun", run_id=gone)
    assert tracking.events == [f"{PROJECT}.run.purged"]
    assert (await purge(tracking))["runs"] == 1


async def test_a_purge_that_was_interrupted_goes_on_whatever_it_is_asked_for_then(
    tracking: Tracking,
) -> None:
    tracking.handlers[PurgeDeleted] = partial(purge_deleted, max_rows=3)
    run_id = await full_run(tracking, await model(tracking))
    await tracking.call("DeleteRun", run_id=run_id)
    for _ in range(3):
        await tracking.call("PurgeDeleted")
    assert run_id in await owners(tracking, "metric_series")
    with pytest.raises(DomainError, match="not found"):
        await tracking.call("GetRun", run_id=run_id)
    done = await purge(tracking, older_than=30 * DAY)
    assert done["rows"] > 0
    assert await owners(tracking, "metric_series") == set()
    assert await tracking.pool.fetchval("SELECT count(*) FROM metric_points") == 0
    assert tracking.events.count(f"{PROJECT}.run.purged") == 1
    assert await tracking.pool.fetchval("SELECT count(*) FROM purges") == 0


async def test_an_experiment_goes_with_all_that_is_in_it(tracking: Tracking) -> None:
    tags = [{"key": "a", "value": "b"}]
    for name in ("gone", "kept"):
        await tracking.call("CreateExperiment", name=name, tags=tags)
    models = {each: await model(tracking, each) for each in ("1", "2")}
    runs = {each: await full_run(tracking, models[each], each) for each in ("1", "2")}
    await tracking.call("DeleteExperiment", experiment_id="1")
    await tracking.call("RestoreRun", run_id=runs["1"])
    done = await purge(tracking)
    assert (done["runs"], done["logged_models"], done["experiments"]) == (1, 1, 1)
    for table in ("runs", *ROWS_OF_RUNS):
        assert await owners(tracking, table) == {runs["2"]}, table
    assert await points_without_series(tracking) == 0
    for table in ("experiments", "experiment_tags", "datasets", "logged_models"):
        rows = await tracking.pool.fetch(f"SELECT experiment_id FROM {table}")
        assert {row["experiment_id"] for row in rows} <= {0, 2}, table
    assert tracking.events[-3:] == [
        f"{PROJECT}.experiment.purged",
        f"{PROJECT}.run.purged",
        f"{PROJECT}.logged_model.purged",
    ]
    await tracking.call("CreateExperiment", name="gone")


async def test_what_clients_made_others_keep_in_a_purged_directory_is_named(
    tracking: Tracking,
) -> None:
    await tracking.call("CreateExperiment", name="gone")
    run_id = await tracking.run(experiment_id="1")
    chosen = (
        "mlflow-artifacts:/7/1/their%20place/",
        f"MLFLOW-ARTIFACTS://host/7/1/{run_id}/artifacts/deep",
        "mlflow-artifacts:/7/12",
        "mlflow-artifacts:/models",
        "mlflow-artifacts:/7/1//a",
        "s3://bucket/7/1",
    )
    for number, location in enumerate(chosen):
        await tracking.call("CreateExperiment", name=f"kept-{number}", artifact_location=location)
    await tracking.call("DeleteExperiment", experiment_id="2")
    assert sorted((await tracking.call("FindOwners"))["chosen"]) == sorted(
        ["7/1/their place", f"7/1/{run_id}/artifacts/deep", "7/12", "7/~/models", "7/1/a"]
    )
    await tracking.call("DeleteExperiment", experiment_id="1")
    tracking.payloads.clear()
    await purge(tracking, experiment_ids=["1"])
    kept = {each.get("run_id", "experiment"): set(each["kept"]) for each in tracking.payloads}
    assert kept == {
        "experiment": {"7/1/their place", f"7/1/{run_id}/artifacts/deep", "7/1/a"},
        run_id: {f"7/1/{run_id}/artifacts/deep"},
    }


async def test_a_purged_model_leaves_no_rows_but_stays_named_by_its_runs(
    tracking: Tracking,
) -> None:
    model_id = await model(tracking)
    run_id = await full_run(tracking, model_id)
    tags = [{"key": "a", "value": "b"}]
    await tracking.call("SetLoggedModelTags", model_id=model_id, tags=tags)
    await tracking.call("LogLoggedModelParams", model_id=model_id, params=tags)
    await tracking.call("DeleteLoggedModel", model_id=model_id)
    assert (await purge(tracking))["logged_models"] == 1
    for table in ("s", "_tags", "_params", "_metrics"):
        assert await tracking.pool.fetchval(f"SELECT count(*) FROM logged_model{table}") == 0
    run = (await tracking.call("GetRun", run_id=run_id))["run"]
    assert run["outputs"]["model_outputs"] == [{"model_id": model_id, "step": 0}]


async def test_ids_narrow_a_purge_to_what_they_name(tracking: Tracking) -> None:
    first, second = await tracking.run(), await tracking.run()
    for run_id in (first, second):
        await tracking.call("DeleteRun", run_id=run_id)
    await tracking.call("CreateExperiment", name="deleted")
    await tracking.call("DeleteExperiment", experiment_id="1")
    plan = await tracking.call("GetPurgePlan", run_ids=[first, "f" * 32])
    assert plan == {"runs": 1, "logged_models": 0, "experiments": 0, "missing": ["f" * 32]}
    done = await purge(tracking, run_ids=[first])
    assert (done["runs"], done["experiments"]) == (1, 0)
    plan = await tracking.call("GetPurgePlan")
    assert (plan["runs"], plan["experiments"]) == (1, 1)


async def test_only_what_was_deleted_long_enough_ago_may_be_named(tracking: Tracking) -> None:
    run_id, model_id = await tracking.run(), await model(tracking)
    for scope, message in (
        ({"run_ids": [run_id]}, f"Run {run_id} is not in `deleted` lifecycle stage."),
        ({"logged_model_ids": [model_id]}, f"Logged model {model_id} is not in `deleted`"),
        ({"experiment_ids": ["0"]}, "Experiment 0 is not in `deleted` lifecycle stage."),
        ({"experiment_ids": ["x"]}, "Invalid experiment ID 'x'."),
    ):
        with pytest.raises(DomainError) as caught:
            await tracking.call("GetPurgePlan", **scope)
        assert caught.value.message.startswith(message)
        if scope != {"experiment_ids": ["x"]}:
            assert sum((await purge(tracking, **scope)).values()) == 0
    await tracking.call("DeleteRun", run_id=run_id)
    with pytest.raises(DomainError, match="is not older than the required age"):
        await tracking.call("GetPurgePlan", run_ids=[run_id], older_than=DAY)


async def test_other_projects_keep_what_they_deleted(tracking: Tracking) -> None:
    theirs = await tracking.run(PROJECT + 1)
    await tracking.call("DeleteRun", PROJECT + 1, run_id=theirs)
    assert sum((await purge(tracking)).values()) == 0
    plan = await tracking.call("GetPurgePlan", run_ids=[theirs])
    assert plan["missing"] == [theirs]


async def test_owners_are_found_in_their_own_project_whatever_their_stage(tracking):
    run_id, model_id = await tracking.run(), await model(tracking)
    await tracking.call("DeleteRun", run_id=run_id)
    ids = [run_id, model_id, "f" * 32, "no id", ""]
    assert set((await tracking.call("FindOwners", ids=ids))["ids"]) == {run_id, model_id}
    assert (await tracking.call("FindOwners", 8, ids=ids))["ids"] == []
    assert (await tracking.call("ListProjectsWithData"))["projects"] == [PROJECT, 8]


async def test_purging_a_run_reads_no_other_run_that_is_not_folded(tracking: Tracking) -> None:
    run_id = UUID(await tracking.run())
    await tracking.pool.execute(
        "INSERT INTO unfolded_runs SELECT $1, i, gen_random_uuid() FROM generate_series(1, 20000) i",
        PROJECT,
    )
    await tracking.pool.execute("ANALYZE unfolded_runs")
    async with tracking.pool.acquire() as connection, connection.transaction():
        explaining: Any = Explaining(connection)
        await documents.forget(explaining, PROJECT, [run_id], [0])
    (plan,) = explaining.plans
    assert pages_read(plan) < 20, plan
    left = await tracking.pool.fetchval(
        "SELECT count(*) FROM unfolded_runs WHERE run_id = $1", run_id
    )
    assert left == 0
