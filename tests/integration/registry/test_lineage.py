"""Sources: which are accepted, and where they lead."""

from dataclasses import replace

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.runs import GetRun
from tests.integration.registry.conftest import FakeTracking, Registry, envelope

RUN = "a" * 32
MODEL = "m-" + "b" * 32
ROOT = f"mlflow-artifacts:/7/0/{RUN}/artifacts"
MODEL_ROOT = f"mlflow-artifacts:/7/0/models/{MODEL}/artifacts"


@pytest.fixture
async def registry(registry: Registry, tracking: FakeTracking) -> Registry:
    """Return a registry with an empty model; a run and a logged model exist, too."""
    await registry.model("m")
    tracking.run_roots[RUN] = ROOT
    tracking.run_roots["local"] = "file:///data/local/artifacts"
    tracking.models[MODEL] = {"artifact_uri": MODEL_ROOT, "source_run_id": RUN}
    tracking.models["m-local"] = {"artifact_uri": "/data/models/m-local"}
    return registry


async def download_uri(registry: Registry, version: str, name: str = "m") -> str:
    reply = await registry.call("GetModelVersionDownloadUri", name=name, version=version)
    return reply["artifact_uri"]


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "s3://bucket/path"},
        {"source": "gs://bucket/path/"},
        {"source": "https://example.org/models/1"},
        {"source": "dbfs:/models/1"},
        {"source": f"runs:/{RUN}/model", "run_id": RUN},
        {"source": f"{ROOT}/model", "run_id": RUN},
        {"source": ROOT, "run_id": RUN},
        {"source": "/data/local/artifacts/model", "run_id": "local"},
        {"source": "file:///data/local/artifacts/model", "run_id": "local"},
        {"source": f"{MODEL_ROOT}/", "model_id": MODEL},
        {"source": "/data/models/m-local/x", "model_id": "m-local"},
        {"source": "s3://bucket/path", "model_id": MODEL},
    ],
)
async def test_sources_that_are_accepted_are_where_to_download_from(
    registry: Registry, fields: dict[str, str]
) -> None:
    version = await registry.version("m", **fields)
    assert version["source"] == fields["source"]
    assert await download_uri(registry, "1") == fields["source"]


NOT_IN_RUN = "The run_id request parameter must identify the resource that contains the source."
NOT_IN_MODEL = "The model_id request parameter must identify the resource that contains the source."
RELATIVE = "If supplying a source as an http, https, local file path, ftp, objectstore, or"
LOCAL = (
    "To use a local path as a model version source, the {} request parameter has to be specified"
)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"source": "/etc/passwd"}, LOCAL.format("run_id")),
        ({"source": "model"}, LOCAL.format("run_id")),
        ({"source": "file:///etc"}, LOCAL.format("run_id")),
        ({"source": "/etc", "run_id": RUN}, LOCAL.format("run_id")),
        ({"source": "/etc", "run_id": "local"}, LOCAL.format("run_id")),
        ({"source": "/data/local/artifacts2", "run_id": "local"}, LOCAL.format("run_id")),
        ({"source": "/data/local/artifacts/../x", "run_id": "local"}, LOCAL.format("run_id")),
        ({"source": "/etc", "run_id": "missing"}, NOT_IN_RUN),
        ({"source": "/etc", "model_id": MODEL}, LOCAL.format("model_id")),
        ({"source": "s3://bucket/../x"}, RELATIVE),
        ({"source": "s3://bucket/%2e%2e/x"}, RELATIVE),
        ({"source": "s3://bucket/%252e%252e/x"}, RELATIVE),
        ({"source": "s3://bucket/a/./x"}, RELATIVE),
        ({"source": "s3://bucket"}, RELATIVE),
        ({"source": "s3://bucket/a%00"}, RELATIVE),
        ({"source": f"{ROOT}/../../x", "run_id": RUN}, RELATIVE),
        ({"source": f"runs:/{RUN}/model"}, NOT_IN_RUN),
        ({"source": f"runs:/{RUN}/model", "run_id": "other"}, NOT_IN_RUN),
        ({"source": f"runs://{RUN}/model", "run_id": RUN}, NOT_IN_RUN),
        ({"source": f"runs:/{RUN}/model", "model_id": MODEL}, NOT_IN_MODEL),
        ({"source": f"{ROOT}/model"}, NOT_IN_RUN),
        ({"source": "mlflow-artifacts:/7/0/other/artifacts", "run_id": RUN}, NOT_IN_RUN),
        ({"source": f"{ROOT}/model", "run_id": "missing"}, NOT_IN_RUN),
        ({"source": f"{ROOT}/model", "model_id": MODEL}, NOT_IN_MODEL),
        (
            {"source": "http://h/api/2.0/mlflow-artifacts/artifacts/x", "run_id": RUN},
            NOT_IN_RUN,
        ),
        ({"source": "s3://bucket/x", "model_id": "m-missing"}, NOT_IN_MODEL),
        ({"source": f"models:/{MODEL}"}, NOT_IN_MODEL),
        ({"source": f"models:/{MODEL}", "model_id": "m-other"}, NOT_IN_MODEL),
        ({"source": "models:/m-missing", "model_id": "m-missing"}, NOT_IN_MODEL),
        ({"source": "models:/"}, NOT_IN_MODEL),
        ({"source": "models:/a/1/b"}, NOT_IN_MODEL),
        ({"source": "models:/a@"}, NOT_IN_MODEL),
        ({"source": "models://host/a/1"}, "Registered model sources must use the active model"),
        ({"source": "http://[x/y"}, "It is not a valid URI."),
    ],
)
async def test_sources_that_are_refused(
    registry: Registry, fields: dict[str, str], refusal: str
) -> None:
    with pytest.raises(DomainError) as caught:
        await registry.version("m", **fields)
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message.startswith(f"Invalid model version source: '{fields['source']}'. ")
    assert refusal in caught.value.message


async def test_a_file_of_another_host_is_refused(registry: Registry) -> None:
    with pytest.raises(DomainError, match="is not a valid remote uri"):
        await registry.version("m", source="file://host/share")


async def test_a_logged_model_leads_to_its_artifacts_and_its_run(registry: Registry) -> None:
    version = await registry.version("m", source=f"models:/{MODEL}", model_id=MODEL)
    assert version["source"] == f"models:/{MODEL}"
    assert version["run_id"] == RUN
    assert version["model_id"] == MODEL
    assert await download_uri(registry, "1") == MODEL_ROOT


async def test_a_run_that_is_given_wins_over_the_logged_models(registry: Registry) -> None:
    fields = {"source": f"models:/{MODEL}", "model_id": MODEL, "run_id": "given"}
    assert (await registry.version("m", **fields))["run_id"] == "given"


@pytest.fixture
async def original(registry: Registry) -> dict[str, str]:
    """Register a logged model as version 1 of the model."""
    return await registry.version("m", source=f"models:/{MODEL}", model_id=MODEL)


@pytest.mark.parametrize(
    "source", ["models:/m/1", "models:/m@best", "models:/m/latest", "models:/m/sTaging"]
)
async def test_a_copy_keeps_run_model_and_artifacts_of_the_original(
    registry: Registry, original: dict[str, str], source: str
) -> None:
    await registry.call("SetRegisteredModelAlias", name="m", alias="best", version="1")
    await registry.call("TransitionModelVersionStage", name="m", version="1", stage="Staging")
    await registry.model("copies")
    copy = await registry.version("copies", source=source)
    assert copy["source"] == "models:/m/1"
    assert (copy["run_id"], copy["model_id"]) == (original["run_id"], original["model_id"])
    again = await registry.version("copies", source="models:/copies/1", run_id=RUN)
    assert again["source"] == "models:/copies/1"
    for version in ("1", "2"):
        assert await download_uri(registry, version, "copies") == MODEL_ROOT


async def test_a_copy_survives_its_original(registry: Registry, original: dict[str, str]) -> None:
    await registry.model("copies")
    await registry.version("copies", source="models:/m/1")
    await registry.call("DeleteRegisteredModel", name="m")
    assert await download_uri(registry, "1", "copies") == MODEL_ROOT


@pytest.mark.parametrize(
    ("fields", "code", "refusal"),
    [
        ({"source": "models:/n/1"}, "RESOURCE_DOES_NOT_EXIST", "Registered Model with name=n"),
        ({"source": "models:/m/2"}, "RESOURCE_DOES_NOT_EXIST", "Model Version (name=m, version=2)"),
        ({"source": "models:/m/²"}, "INVALID_PARAMETER_VALUE", "must be an integer, got '²'"),
        ({"source": "models:/m@x"}, "INVALID_PARAMETER_VALUE", "Registered model alias x not"),
        (
            {"source": "models:/m/Production"},
            "RESOURCE_DOES_NOT_EXIST",
            "No versions of model with name 'm' and stage 'Production' found",
        ),
        ({"source": "models:/m/x"}, "INVALID_PARAMETER_VALUE", "Invalid Model Version stage: x"),
        (
            {"source": "models:/empty/latest"},
            "RESOURCE_DOES_NOT_EXIST",
            "No versions of model with name 'empty' found",
        ),
        (
            {"source": "models:/prompt/1"},
            "INVALID_PARAMETER_VALUE",
            "Prompt versions cannot be used as model version sources.",
        ),
        (
            {"source": "models:/m/1", "run_id": "other"},
            "INVALID_PARAMETER_VALUE",
            "The run_id and model_id request parameters must match the referenced model version.",
        ),
        (
            {"source": "models:/m/1", "model_id": "m-other"},
            "INVALID_PARAMETER_VALUE",
            "The run_id and model_id request parameters must match the referenced model version.",
        ),
    ],
)
async def test_copies_that_are_refused(
    registry: Registry, original: dict[str, str], fields: dict[str, str], code: str, refusal: str
) -> None:
    await registry.model("empty")
    await registry.prompt("prompt")
    with pytest.raises(DomainError) as caught:
        await registry.version("m", **fields)
    assert caught.value.code == code
    assert refusal in caught.value.message


async def test_tracking_is_asked_for_the_caller_and_only_where_the_source_needs_it(
    registry: Registry, tracking: FakeTracking
) -> None:
    await registry.version("m", source="s3://bucket/path", run_id=RUN)
    assert tracking.asked == []
    command = envelope("CreateModelVersion", name="m", source=f"{ROOT}/model", run_id=RUN)
    command = replace(command, user_id=42, username="ann", request_id="x", idempotency_key="k")
    await registry.frame(command)
    (asked,) = tracking.asked
    assert GetRun.parse(asked.payload).run_id == RUN
    assert (asked.project, asked.user_id, asked.username) == (7, 42, "ann")
    assert asked.request_id == "x"
    assert asked.idempotency_key is None
    assert asked.id != command.id
    assert asked.deadline == command.deadline


async def test_nothing_is_done_while_tracking_does_not_answer(
    registry: Registry, tracking: FakeTracking
) -> None:
    tracking.fault = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "It did not answer in time.")
    command = envelope("CreateModelVersion", name="m", source=f"{ROOT}/model", run_id=RUN)
    keyed = replace(command, idempotency_key="k")
    (answer,) = await registry.frame(keyed)
    assert answer.error is ErrorCode.REQUEST_LIMIT_EXCEEDED
    assert answer.body == b"The tracking service did not answer. Nothing was done; try again."
    # The client sends it again, with the same key, and must not be told the refusal of then.
    tracking.fault = None
    (answer,) = await registry.frame(replace(keyed, id=envelope("x").id))
    assert answer.error is None
    assert (await registry.read_version("1"))["run_id"] == RUN
