"""``warren gc`` as a process, on a real RabbitMQ, PostgreSQL and S3 server; killed, too."""

import asyncio
import io
import json

import asyncpg

from shared.messaging.messages import new_id


async def test_gc_takes_rows_and_artifacts_and_leaves_the_rest(warren):
    gone, _ = await warren.run_with_artifact(50)
    kept, _ = await warren.run_with_artifact(50)
    await warren.call("DeleteRun", run_id=gone)
    code, said = await warren.collected("--older-than", "1h")
    assert (code, said.strip()[:30]) == (0, "Purged in project 1: runs 0/0,"), said
    code, said = await warren.collected("--yes")
    assert code == 0, said
    assert "Purged in project 1: runs 1/1" in said
    for _ in range(100):
        if await warren.names("1/0") == {kept}:
            break
        await asyncio.sleep(0.1)
    assert await warren.names("1/0") == {kept}
    code, said = await warren.collected("--run-ids", kept)
    assert code == 1
    assert f"Run {kept} is not in `deleted` lifecycle stage." in said


async def test_a_gc_that_was_killed_goes_on_from_there(warren):
    runs = [await warren.run_with_artifact(600) for _ in range(4)]
    for run_id, _ in runs:
        await warren.call("DeleteRun", run_id=run_id)
    process = await warren.gc("--yes")
    while (await warren.call("GetPurgePlan"))["runs"] == 4:
        await asyncio.sleep(0.02)
    process.kill()
    await process.communicate()
    code, said = await warren.collected("--yes")
    assert code == 0, said
    assert "Purged in project 1: runs 0/0" in said
    assert int(said.split(";")[-1].split()[0]) > 100, said
    for _ in range(100):
        if not await warren.names("1/0"):
            break
        await asyncio.sleep(0.1)
    assert not await warren.names("1/0")


async def test_what_an_experiment_keeps_in_another_ones_directory_outlives_it(warren):
    gone = (await warren.call("CreateExperiment", name="gone"))["experiment_id"]
    run_id, _ = await warren.run_with_artifact(0, gone)
    for place in ("place", f"{run_id}/artifacts/place"):
        location = f"mlflow-artifacts:/1/{gone}/{place}"
        await warren.call("CreateExperiment", name=place, artifact_location=location)
    kept = [(await warren.run_with_artifact(0, each))[1] for each in ("2", "3")]
    await warren.call("DeleteExperiment", experiment_id=gone)
    code, said = await warren.collected("--yes")
    assert code == 0, said
    for _ in range(100):
        if len(found := await warren.store.keys("1", "")) == 2:
            break
        await asyncio.sleep(0.1)
    assert set(found) == set(kept)
    code, said = await warren.collected("--yes", "--sweep", "--grace", "0s")
    assert "1: 1 of 1 directories have no owner; 0 objects" in said
    assert set(await warren.store.keys("1", "")) == set(kept)


async def test_what_lies_at_a_chosen_path_goes_with_its_run_and_with_nothing_else(warren):
    for place in ("models", "1/place"):
        location = f"mlflow-artifacts:/{place}"
        await warren.call("CreateExperiment", name=place, artifact_location=location)
    ids = ("1", "1", "2")
    (gone, _), (_, kept), (_, inside) = [await warren.run_with_artifact(0, each) for each in ids]
    assert kept.startswith("1/~/models/")
    put = "1/~/dir/a.txt"
    warren.store._client.put_object(warren.store._bucket, put, io.BytesIO(b"x"), 1)
    await warren.call("DeleteRun", run_id=gone)
    code, said = await warren.collected("--yes", "--sweep", "--grace", "0s")
    assert code == 0, said
    for _ in range(100):
        if len(found := await warren.store.keys("1", "")) == 3:
            break
        await asyncio.sleep(0.1)
    assert set(found) == {kept, inside, put}


async def test_a_sweep_deletes_old_artifacts_without_an_owner_alone(warren):
    kept, _ = await warren.run_with_artifact(0)
    deleted, _ = await warren.run_with_artifact(0)
    await warren.call("DeleteRun", run_id=deleted)
    orphans = [new_id().hex for _ in range(3)]
    strays = ["1/0/a-file", "1/elsewhere/file", f"1/place/{new_id().hex}/artifacts/file"]
    inside = f"1/0/{kept}/artifacts/{new_id().hex}/artifacts/file"
    owned = [f"1/0/{each}/artifacts/a/b" for each in orphans]
    for key in (*strays, inside, *owned, f"7/3/models/m-{orphans[0]}/artifacts/file"):
        warren.store._client.put_object(warren.store._bucket, key, io.BytesIO(b"x"), 1)

    async def swept(*arguments):
        code, said = await warren.collected("--older-than", "1d", "--sweep", *arguments)
        assert code == 0, said
        return said

    assert "1: 3 of 5 directories have no owner; 0 objects" in await swept("--dry-run")
    said = await swept("--dry-run", "--grace", "0s")
    assert "1: 3 of 5 directories have no owner; 3 objects" in said
    assert "7: 1 of 1 directories have no owner; 1 objects" in said
    assert "3 objects" in await swept("--grace", "0s", "--project", "1")
    said = await swept("--grace", "0s")
    assert "1: 0 of 2 directories" in said
    assert "7: 1 of 1 directories have no owner; 1 objects" in said
    assert set(await warren.store.keys("1", "")) == {
        *strays,
        inside,
        f"1/0/{kept}/artifacts/file",
        f"1/0/{deleted}/artifacts/file",
    }
    assert await warren.store.keys("7", "") == []


async def test_a_bare_gc_shows_what_is_deleted_and_purges_nothing_unasked(warren):
    run_id, _ = await warren.run_with_artifact(0)
    await warren.call("DeleteRun", run_id=run_id)
    code, said = await warren.collected()
    assert code == 1
    assert "To be purged in project 1: runs 0/1" in said
    assert said.splitlines()[-1].startswith("Nothing was purged. --yes purges all of this;")
    assert (await warren.call("GetPurgePlan"))["runs"] == 1


async def test_a_project_may_be_named_by_its_path(warren, access):
    run_id, _ = await warren.run_with_artifact(0)
    await warren.call("DeleteRun", run_id=run_id)
    code, said = await warren.collected("--older-than", "0s", "--project", "no/such")
    assert (code, said.strip()) == (1, "There is no project no/such.")
    code, said = await warren.collected("--older-than", "0s", "--project", "root/default")
    assert code == 0, said
    assert "Purged in project 1: runs 1/1" in said


async def test_expired_traces_go_with_their_files(warren, traces, database_dsn):
    ids = [f"tr-{number:032x}" for number in range(3)]
    for each in ids:
        location = {"mlflow_experiment": {"experiment_id": "0"}}
        info = {"trace_id": each, "trace_location": location}
        await warren.call("StartTraceV3", service="traces", trace={"trace_info": info})
    keys = [f"1/0/traces/{each}/artifacts/traces.json" for each in (*ids, f"tr-{'f' * 32}")]
    for key in keys:
        warren.store._client.put_object(warren.store._bucket, key, io.BytesIO(b"x"), 1)
    connection = await asyncpg.connect(database_dsn)
    await connection.execute(
        "UPDATE traces.traces SET arrived_at = now() - interval '31 days' WHERE trace_id = $1",
        ids[0],
    )
    await connection.close()
    flags = ("--older-than", "1d", "--expired-traces", "--json")
    for dry_run in (True, False):
        process = await warren.gc(*flags, *(["--dry-run"] if dry_run else []))
        out, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        assert json.loads(out.splitlines()[1]) == {
            "project": 1,
            "dry_run": dry_run,
            "expired_traces": 1,
        }
    for _ in range(100):
        if keys[0] not in await warren.store.keys("1", ""):
            break
        await asyncio.sleep(0.1)
    assert await warren.store.keys("1", "") == keys[1:]
    code, said = await warren.collected("--older-than", "1d", "--sweep", "--grace", "0s")
    assert code == 0, said
    assert "1: 1 of 3 directories have no owner; 1 objects" in said
    assert await warren.store.keys("1", "") == keys[1:3]
