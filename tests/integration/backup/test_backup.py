"""``warren backup`` and ``warren restore`` on real servers: what is read afterwards is what was there."""

import asyncio
import io
import json
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import asdict

import pytest

from services.access.bootstrap import ensure_root_token
from services.artifacts.store.minio import connect
from services.tracking import folding
from services.tracking.folding import Pace
from shared.messaging.messages import new_id
from shared.postgres.migrate import migrate, service_migrations
from shared.postgres.pool import open_pool
from tests.integration.past_schemas import pasts, upgrade
from tests.integration.registry.conftest import FakeTracking, Registry
from tests.integration.traces.conftest import FakeTracking as AskedTracking
from tests.integration.traces.conftest import Traces, span
from tests.integration.tracking.conftest import Tracking
from tests.processes import open_to_others
from tests.web_server import variables_of

TOKENS = "SELECT * FROM access.tokens"
NOW = Pace(quiet=0.01, retry=0.0, share=1.0)
SEARCHES = [
    ("params.p LIKE 'tab%' AND params.empty = ''", []),
    ("tags.t IS NOT NULL", ["tags.t DESC", "run_id"]),
    ("metrics.`a metric` > 1", ["metrics.`a metric`"]),
    ("dataset.name = 'd' AND run_name LIKE 'run %'", ["params.empty"]),
]
"""Each finds the two runs that are not deleted, by an index."""


@asynccontextmanager
async def services(dsn):
    """Open the services, all in one database, as far as they are without the bus."""
    for service in ("access", "tracking", "registry", "traces"):
        await migrate(dsn, service, service_migrations(service))
    pools = [
        await open_pool(dsn, schema=service, size=2, application_name="test")
        for service in ("tracking", "registry", "traces")
    ]
    tracking, registry, traces = pools
    try:
        yield (
            Tracking(tracking),
            Registry(registry, FakeTracking()),
            Traces(traces, AskedTracking()),
        )
    finally:
        for pool in pools:
            await pool.close()


async def fill(tracking, registry, traces):
    """Make some of everything, with values that are hard to carry over."""
    hard = 'tab\t, newline\n, \\N, \\., "quotes", ümläut, 🐇'
    experiment = (await tracking.call("CreateExperiment", name=hard))["experiment_id"]
    model = (await tracking.call("CreateLoggedModel", experiment_id=experiment))["model"]["info"]
    for number in range(3):
        run = await tracking.run(experiment_id=experiment, run_name=f"run {number}")
        values = [0.1 + 0.2, "NaN", "-Infinity", 5e-324, 1.7976931348623157e308]
        metrics = [
            {"key": "a metric", "value": value, "timestamp": 2**53, "step": step}
            | ({"model_id": model["model_id"]} if step == 0 else {})
            for step, value in enumerate(values)
        ]
        params = [{"key": "p", "value": hard}, {"key": "empty", "value": ""}]
        tags = [{"key": "t", "value": hard}]
        await tracking.call("LogBatch", run_id=run, metrics=metrics, params=params, tags=tags)
        dataset = {"name": "d", "digest": "1", "source_type": "local", "source": hard}
        await tracking.call("LogInputs", run_id=run, datasets=[{"dataset": dataset, "tags": []}])
    await tracking.call("DeleteRun", run_id=run)
    await registry.model(hard)
    await registry.version(hard, tags=[{"key": "t", "value": hard}])
    await registry.version(hard)
    await registry.call("SetRegisteredModelAlias", name=hard, alias="best", version="1")
    assessed = [{"assessment_name": hard, "feedback": {"value": [hard]}, "rationale": hard}]
    await traces.start("tr-1", tags={"t": hard}, request_preview=hard, assessments=assessed)
    await traces.log(span("tr-1", 1, attributes={"hard": hard}), span("tr-2", 1, name=hard))
    made = await traces.call("CreateDataset", name=hard, experiment_ids=[experiment])
    dataset_id = made["dataset"]["dataset_id"]
    records = json.dumps([{"inputs": {"q": hard, "nan": float("nan")}, "outputs": hard}])
    await traces.call("UpsertDatasetRecords", dataset_id=dataset_id, records=records)
    await traces.call("SetDatasetTags", dataset_id=dataset_id, tags=json.dumps({"t": hard}))
    await review(traces, hard)
    # As if it had arrived long ago: the restored database has no partition of that week.
    for table in ("traces", "spans"):
        await traces.pool.execute(f"UPDATE {table} SET week = '2026-01-05' WHERE trace_id = 'tr-2'")


async def review(traces, hard):
    """Make a scorer, a label schema, and a queue with a trace of experiment 1."""
    own = {"experiment_id": "1", "name": hard}
    await traces.call("RegisterScorer", **own, serialized_scorer=json.dumps({"name": hard}))
    await traces.call("UpsertOnlineScoringConfig", **own, sample_rate=0, filter_string="")
    question = {"type": "FEEDBACK", "input": {"text": {}}, "instruction": hard}
    made = await traces.call("CreateLabelSchema", **own, **question)
    asked = {"users": [hard], "schema_ids": [made["label_schema"]["schema_id"]]}
    made = await traces.call("CreateReviewQueue", **own, queue_type="CUSTOM", **asked)
    queue_id = made["review_queue"]["queue_id"]
    await traces.call("AddItemsToReviewQueue", queue_id=queue_id, item_ids=["tr-1"])


async def fold_some(tracking):
    """Leave a run unfolded by a write, one marked by an attempt that has not ended, and one folded."""
    await folding.fold_round(tracking.pool, NOW)
    runs = "SELECT run_id, folded, sign(fold_attempt) FROM runs ORDER BY run_id"
    written, marked, _ = [row["run_id"].hex for row in await tracking.pool.fetch(runs)]
    point = {"key": "a metric", "timestamp": 1}
    for run_id in (written, marked):
        await tracking.call("LogMetric", run_id=run_id, value=2.5, step=8, **point)
    await folding.mark(tracking.pool, NOW)
    await tracking.call("LogMetric", run_id=written, value=3.5, step=9, **point)
    states = [tuple(row)[1:] for row in await tracking.pool.fetch(runs)]
    assert states == [(False, -1), (False, 1), (True, 1)]


async def folded_all(pool):
    """Fold all runs."""
    await folding.fold_round(pool, NOW)
    return await pool.fetchval("SELECT bool_and(folded) FROM runs")


async def everything(tracking, registry, traces):
    """Read all of it, as clients do."""
    found = (await tracking.call("SearchExperiments", view_type="ALL"))["experiments"]
    ids = [each["experiment_id"] for each in found]
    runs = await tracking.call("SearchRuns", experiment_ids=ids, run_view_type="ALL")
    searches = [
        await tracking.call("SearchRuns", experiment_ids=ids, filter=filter_, order_by=order_by)
        for filter_, order_by in SEARCHES
    ]
    histories = [
        await tracking.history(run["info"]["run_id"], metric["key"])
        for run in runs["runs"]
        for metric in run["data"]["metrics"]
    ]
    # An upgrade of another service leaves none.
    trace_ids = await traces.pool.fetch("SELECT trace_id FROM traces ORDER BY trace_id")
    datasets = (await traces.call("SearchEvaluationDatasets"))["datasets"]
    return {
        "tracking": [found, runs, histories, searches],
        "logged models": await tracking.call("SearchLoggedModels", experiment_ids=ids),
        "registry": [
            await registry.call("SearchRegisteredModels"),
            await registry.call("SearchModelVersions"),
        ],
        "traces": [
            await traces.call("SearchTraces", experiment_ids=["1"]),
            *[await traces.call("ListSpans", trace_id=each["trace_id"]) for each in trace_ids],
        ],
        "evaluation datasets": [
            (each, await traces.call("GetDatasetRecords", dataset_id=each["dataset_id"]))
            for each in datasets
        ],
    }


class Site:
    """A database and a bucket, and the command that knows both."""

    def __init__(self, dsn, storage):
        self.s3 = storage
        self.client = connect(self.s3, self.s3.endpoint)
        self.environment = {
            "WARREN_TRACKING_DSN": dsn,
            "WARREN_REGISTRY_DSN": dsn,
            "WARREN_TRACES_DSN": dsn,
            "WARREN_ACCESS_DSN": dsn,
            **variables_of(self.s3),
        }

    def put(self, key, body, content_type="application/octet-stream"):
        self.client.put_object(self.s3.bucket, key, io.BytesIO(body), len(body), content_type)

    def objects(self):
        listed = self.client.list_objects(self.s3.bucket, recursive=True)
        return {each.object_name: self._object(each.object_name) for each in listed}

    def _object(self, key):
        with self.client.get_object(self.s3.bucket, key) as answer:
            return answer.read(), answer.headers["Content-Type"]

    async def warren(self, *arguments):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "cli", *map(str, arguments)),
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()


async def test_what_was_backed_up_is_what_is_restored(
    database_dsn, another_dsn, s3, storage, tmp_path
):
    before = Site(database_dsn, storage)
    # The bucket is not there yet. A user who may make one can restore without it.
    elsewhere = {"bucket": f"after-{new_id().hex}", **asdict(s3.credentials)}
    after = Site(another_dsn, storage.model_copy(update=elsewhere))
    async with services(database_dsn) as (tracking, registry, traces):
        await fill(tracking, registry, traces)
        await fold_some(tracking)
        await ensure_root_token(database_dsn, "a-token-of-the-administrator")
        wanted = await everything(tracking, registry, traces)
        assert len(wanted["traces"]) == 3
        tokens = await tracking.pool.fetch(TOKENS)
        kept = await tracking.pool.fetch("SELECT * FROM experiments ORDER BY 1, 2")
        assessed = await traces.info("tr-1")
        assert len(assessed["assessments"]) == 1
    before.put("7/0/r/artifacts/ünï code/+%.txt", b"text", "text/plain")
    before.put("7/0/r/artifacts/" + "/".join("x" * 100 for _ in range(9)), os.urandom(100_000))
    before.put("7/0/r/artifacts/empty", b"")

    directory = tmp_path / "backup"
    directory.mkdir(mode=0o755)
    code, said = await before.warren("backup", directory)
    assert code == 0, said
    assert "3 artifacts" in said
    assert not open_to_others(directory)
    code, said = await after.warren("restore", directory)
    assert code == 0, said
    assert after.objects() == before.objects()
    async with services(another_dsn) as (tracking, registry, traces):
        assert await everything(tracking, registry, traces) == wanted
        assert await folded_all(tracking.pool)
        assert await everything(tracking, registry, traces) == wanted
        assert await tracking.pool.fetch("SELECT * FROM experiments ORDER BY 1, 2") == kept
        assert await traces.info("tr-1") == assessed
        assert tokens
        assert await tracking.pool.fetch(TOKENS) == tokens
        # What comes next goes on from there.
        made = await tracking.call("CreateExperiment", name="next")
        assert made["experiment_id"] not in {
            each["experiment_id"] for each in wanted["tracking"][0]
        }

    code, said = await after.warren("restore", directory)
    assert code == 1
    assert "has tables. A backup is restored into empty databases alone." in said
    code, said = await after.warren("backup", directory)
    assert (code, said) == (1, f"{directory} is not empty.\n")


async def test_what_is_no_whole_backup_or_no_empty_place_is_refused(
    database_dsn, another_dsn, storage, tmp_path
):
    before = Site(database_dsn, storage)
    # Into the same bucket: by the keys of the artifacts service, which may make none.
    after = Site(another_dsn, storage)
    code, said = await before.warren("backup", tmp_path / "b")
    assert (code, said) == (
        1,
        "There is no schema registry in the registry service's database.\n",
    )
    async with services(database_dsn) as (tracking, registry, traces):
        await fill(tracking, registry, traces)
    before.put("7/a", b"whole")
    directory = tmp_path / "backup"
    assert (await before.warren("backup", directory))[0] == 0

    code, said = await after.warren("restore", tmp_path / "b")
    assert code == 1
    assert "holds no complete backup" in said
    after.put("7/foreign", b"")
    code, said = await after.warren("restore", directory)
    assert code == 1
    assert "holds 7/foreign, which is not of this backup." in said
    after.client.remove_object(after.s3.bucket, "7/foreign")
    [file] = [each for each in (directory / "bucket").rglob("*") if each.is_file()]
    file.write_bytes(b"broken")
    code, said = await after.warren("restore", directory)
    assert code == 1
    assert "the object 7/a, is not what was written." in said
    file.write_bytes(b"whole")
    code, said = await after.warren("restore", directory)
    assert code == 0, said


@pytest.mark.parametrize(("service", "version"), list(pasts("tracking", "registry", "traces")))
async def test_an_upgrade_changes_no_answer(database_dsn, another_dsn, service, version):
    """Rows that today's code has written go into the tables of a past schema, which is then migrated."""
    async with services(database_dsn) as (tracking, registry, traces):
        await fill(tracking, registry, traces)
        wanted = await everything(tracking, registry, traces)
        assert [len(each["runs"]) for each in wanted["tracking"][-1]] == [2] * len(SEARCHES)
    await upgrade(service, version, database_dsn, another_dsn)
    async with services(another_dsn) as (tracking, registry, traces):
        found = await everything(tracking, registry, traces)
        if service == "tracking":
            assert await folded_all(tracking.pool)
            assert (await everything(tracking, registry, traces))[service] == found[service]
    assert found[service] == wanted[service]
    if service == "tracking" and version > 1:
        assert found["logged models"] == wanted["logged models"]
