"""Events of what was purged delete its directory, and nothing else, however often they come."""

from datetime import timedelta

import pytest

from deploy.local.embedded.process import free_ports
from services.artifacts.handlers import HANDLERS
from services.artifacts.processor import StorageProcessor
from services.artifacts.settings import S3Settings
from services.artifacts.store.minio import MinioStore
from services.artifacts.store.objects import Signature
from shared.contracts.events import (
    ExperimentPurged,
    LoggedModelPurged,
    RunPurged,
    TracesDeleted,
)
from shared.messaging.events import ReceivedEvent
from shared.messaging.messages import new_id
from shared.messaging.processor import RetryLaterError

ROOT = "mlflow-artifacts:/1/0"
FILES = (
    "1/0/r1/artifacts/a",
    "1/0/r1/artifacts/deep/er/b",
    "1/0/r2/artifacts/a",
    "1/0/models/m-1/artifacts/MLmodel",
    "1/0/models/m-2/artifacts/MLmodel",
    "1/0/traces/tr-1/artifacts/a/b",
    "1/0/traces/tr-2/artifacts/a",
    "1/01/r1/artifacts/a",
    "2/0/r1/artifacts/a",
)


def run_purged(uri, run_id="r1"):
    return RunPurged(run_id=run_id, experiment_id="0", artifact_uri=uri)


async def handle_event(store, event, project=1):
    processor = StorageProcessor(store, HANDLERS, 1000)
    payload = event.model_dump_json(exclude_none=True).encode()
    await processor.event(ReceivedEvent(new_id(), project, event.topic, payload))


async def kept(store, http):
    """Return those of the files that are still there."""
    found = set()
    for key in FILES:
        url = store.presign(Signature("HEAD", key, timedelta(minutes=1)))
        async with http.head(url) as answer:
            found |= {key} if answer.status == 200 else set()
    return found


@pytest.fixture
async def filled(store, http):
    for key in FILES:
        url = store.presign(Signature("PUT", key, timedelta(minutes=1)))
        async with http.put(url, data=b"x") as answer:
            assert answer.status == 200
    return store


async def test_a_purged_run_takes_its_directory_with_it(filled, http):
    for _ in range(2):
        await handle_event(filled, run_purged(f"{ROOT}/r1/artifacts"))
    assert await kept(filled, http) == {key for key in FILES if not key.startswith("1/0/r1/")}
    assert {entry.name for entry in (await filled.page("1/0")).entries} == {
        "r2",
        "models",
        "traces",
    }


async def test_a_purged_model_takes_its_directory_with_it(filled, http):
    event = LoggedModelPurged(
        model_id="m-1", experiment_id="0", artifact_uri=f"{ROOT}/models/m-1/artifacts"
    )
    await handle_event(filled, event)
    assert set(FILES) - await kept(filled, http) == {"1/0/models/m-1/artifacts/MLmodel"}


async def test_a_purged_experiment_takes_its_directory_if_it_has_one_to_itself(filled, http):
    await handle_event(filled, ExperimentPurged(experiment_id="0"))
    assert await kept(filled, http) == set(FILES)
    await handle_event(filled, ExperimentPurged(experiment_id="0", artifact_uri=ROOT))
    assert await kept(filled, http) == {"1/01/r1/artifacts/a", "2/0/r1/artifacts/a"}


@pytest.mark.parametrize("directory", ["1/0/r1", "1/0/r1/artifacts/deep", "1/0"])
async def test_what_another_experiment_keeps_in_the_directory_stays(filled, http, directory):
    event = ExperimentPurged(experiment_id="0", artifact_uri=ROOT, kept=[directory])
    for _ in range(2):
        await handle_event(filled, event)
    outside = {key for key in FILES if not key.startswith("1/0/")}
    assert await kept(filled, http) == {k for k in FILES if k.startswith(f"{directory}/")} | outside


@pytest.mark.parametrize("page_entries", [1000, 1])
async def test_deleted_traces_take_their_directories_with_them(
    filled, http, page_entries, monkeypatch
):
    monkeypatch.setattr(filled, "_page_entries", page_entries)
    ids = ["tr-0", "tr-1", "tr-9"]
    uris = [f"{ROOT}/traces/{each}/artifacts" for each in ids]
    elsewhere = [
        "s3://bucket/1/0/traces/tr-2/artifacts",
        "mlflow-artifacts:/2/0/traces/tr-2/artifacts",
        f"{ROOT}/traces/artifacts",
        f"{ROOT}/r1/artifacts",
        "",
    ]
    for _ in range(2):
        await handle_event(filled, TracesDeleted(artifact_uris=uris + elsewhere))
    assert set(FILES) - await kept(filled, http) == {"1/0/traces/tr-1/artifacts/a/b"}


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/1/0/r1/artifacts",
        "mlflow-artifacts:/2/0/r1/artifacts",
        "mlflow-artifacts:/1/0/../../2/0/r1/artifacts",
        "mlflow-artifacts:/1/artifacts",
        "mlflow-artifacts:/1",
        "",
    ],
)
async def test_what_lies_elsewhere_or_is_not_the_owners_is_left_alone(filled, http, uri):
    await handle_event(filled, run_purged(uri))
    assert await kept(filled, http) == set(FILES)


async def test_an_event_comes_again_while_the_storage_is_away():
    [port] = free_ports(1)
    settings = S3Settings(endpoint=f"http://127.0.0.1:{port}", access_key="a", secret_key="b")
    nowhere = MinioStore(settings)
    with pytest.raises(RetryLaterError):
        await handle_event(nowhere, run_purged(f"{ROOT}/r1/artifacts"))
    nowhere.close()
