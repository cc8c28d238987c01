"""What the pages of the web UI are to show, logged through MLflow's REST API as clients log it."""

import json
import math
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

from tests.browser.reviewed import review
from tests.browser.traced import Traced, trace
from tests.rest import TIMESTAMP, Api, api, metric

EXPERIMENT = "sweep"
RUNS = 12
POINTS = 50
MODEL = "churn"
PROMPT = "greet"
EVALUATION_DATASET = "questions"
CSV = b"fruit,count\napple,31\npear,17\n"
HTML = b"<!doctype html><title>report</title><h1>Report of the sweep</h1>"
TABLE: dict[str, Any] = {
    "columns": ["question", "answer"],
    "data": [["What is a warren?", "Burrows."], ["Who digs?", "Rabbits."]],
}
IMAGE_STEPS = (0, 5, 10)
CHILDREN = 2
VERSIONS = 3


@dataclass
class Filled:
    """The ids of what was logged. The first run has the artifacts and the logged model."""

    experiment: str
    runs: list[str] = field(default_factory=list)
    parent: str = ""
    children: list[str] = field(default_factory=list)
    model_id: str = ""
    traced: Traced = field(default_factory=lambda: Traced(""))
    dataset_id: str = ""

    @property
    def first(self) -> str:
        return self.runs[0]


async def fill(url: str, token: str = "", workspace: str = "") -> Filled:
    """Log an experiment, models and prompts, and return their ids."""
    async with api(url, token=token, workspace=workspace) as rest:
        filled = Filled(await rest.new_experiment(EXPERIMENT))
        for number in range(RUNS):
            filled.runs.append(await _run(rest, filled.experiment, number))
        await _nested_runs(rest, filled)
        await _artifacts(rest, filled.first)
        await _inputs(rest, filled.first)
        filled.model_id = await _logged_model(rest, filled)
        await _registered_model(rest, filled)
        await _prompt(rest)
        filled.traced = await trace(rest)
        filled.dataset_id = await _evaluation_dataset(rest, filled)
        await review(rest, filled.traced)
    return filled


def png(red: int, green: int, blue: int, side: int = 32) -> bytes:
    """Return a square image of one colour."""
    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


async def _run(rest: Api, experiment: str, number: int) -> str:
    tags = [
        {"key": "mlflow.user", "value": "ada"},
        {"key": "mlflow.source.name", "value": "train.py"},
        {"key": "team", "value": "odd" if number % 2 else "even"},
    ]
    run = await rest.new_run(experiment, run_name=f"trial-{number:02}", tags=tags)
    curve = [
        metric("loss", math.exp(-step / (10 + number)) + number / 100, step)
        for step in range(POINTS)
    ]
    holes = [
        metric("gap", math.nan if step == POINTS // 2 else step, step) for step in range(POINTS)
    ]
    for each in holes:
        each["value"] = str(each["value"])  # As clients send NaN, which JSON does not have.
    system = [metric("system/cpu_utilization_percentage", 10.0 + step, step) for step in range(5)]
    last = [metric("accuracy", 0.5 + number / 100, 0)]
    params = [{"key": "depth", "value": str(number)}, {"key": "optimizer", "value": "adam"}]
    await rest.done(
        "runs/log-batch",
        {"run_id": run, "metrics": [*curve, *holes, *system, *last], "params": params},
    )
    await rest.done(
        "runs/update",
        {"run_id": run, "status": "FINISHED", "end_time": TIMESTAMP + 60_000 * (1 + number)},
    )
    return run


async def _nested_runs(rest: Api, filled: Filled) -> None:
    filled.parent = await rest.new_run(filled.experiment, run_name="search-parent")
    for number in range(CHILDREN):
        tags = [{"key": "mlflow.parentRunId", "value": filled.parent}]
        filled.children.append(
            await rest.new_run(filled.experiment, run_name=f"search-child-{number}", tags=tags)
        )
    for each in (filled.parent, *filled.children):
        await rest.done("runs/update", {"run_id": each, "status": "FINISHED"})


async def _artifacts(rest: Api, run: str) -> None:
    info = (await rest.get("runs/get", run_id=run)).body["run"]["info"]
    files = {
        "pics/img.png": png(200, 30, 30),
        "data/table.csv": CSV,
        "page.html": HTML,
        "conf.json": json.dumps({"layers": [64, 32]}).encode(),
        "notes.txt": b"Dig deeper.",
        "eval_table.json": json.dumps(TABLE).encode(),
    }
    for step in IMAGE_STEPS:
        # Names as MLflow's log_image gives them; the UI shows the compressed one until it is enlarged.
        name = f"images/mask%step%{step}%timestamp%{TIMESTAMP + step}%{step:032x}"
        files[f"{name}.png"] = files[f"{name}%compressed.webp"] = png(20 * step, 90, 160)
    await upload(rest, info["artifact_uri"], files)
    logged = json.dumps([{"path": "eval_table.json", "type": "table"}])
    for key, value in (("mlflow.loggedImages", "True"), ("mlflow.loggedArtifacts", logged)):
        await rest.done("runs/set-tag", {"run_id": run, "key": key, "value": value})


async def upload(rest: Api, artifact_uri: str, files: dict[str, bytes]) -> None:
    """Write artifacts below the URI of a run or a logged model."""
    root = artifact_uri.removeprefix("mlflow-artifacts:/")
    for name, content in files.items():
        target = f"../mlflow-artifacts/artifacts/{root}/{name.replace('%', '%25')}"
        async with rest.session.put(target, data=content) as answer:
            assert answer.status == 200, await answer.text()


async def _inputs(rest: Api, run: str) -> None:
    dataset = {
        "name": "customers",
        "digest": "b2c3d4",
        "source_type": "local",
        "source": json.dumps({"uri": "data/customers.csv"}),
        "schema": json.dumps({"mlflow_colspec": [{"type": "long", "name": "age"}]}),
        "profile": json.dumps({"num_rows": 100}),
    }
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    inputs = {"run_id": run, "datasets": [{"dataset": dataset, "tags": tags}]}
    await rest.done("runs/log-inputs", inputs)


async def _logged_model(rest: Api, filled: Filled) -> str:
    body = {
        "experiment_id": filled.experiment,
        "name": "forest",
        "source_run_id": filled.first,
        "model_type": "classifier",
        "params": [{"key": "trees", "value": "100"}],
    }
    info = (await rest.done("logged-models", body))["model"]["info"]
    model_id: str = info["model_id"]
    await upload(rest, info["artifact_uri"], {"MLmodel": b"model_id: x\nflavors: {}\n"})
    status = {"model_id": model_id, "status": "LOGGED_MODEL_READY"}
    async with rest.session.patch(f"logged-models/{model_id}", json=status) as answer:
        assert answer.status == 200, await answer.text()
    await rest.done(
        "runs/outputs", {"run_id": filled.first, "models": [{"model_id": model_id, "step": 0}]}
    )
    point = {**metric("accuracy", 0.91, 0), "run_id": filled.first, "model_id": model_id}
    await rest.done("runs/log-metric", point)
    return model_id


async def _registered_model(rest: Api, filled: Filled) -> None:
    await rest.done("registered-models/create", {"name": MODEL, "description": "Who leaves."})
    for run in filled.runs[:VERSIONS]:
        info = (await rest.get("runs/get", run_id=run)).body["run"]["info"]
        await upload(rest, info["artifact_uri"], {"model/MLmodel": b"flavors: {}\n"})
        source: dict[str, Any] = {"source": f"{info['artifact_uri']}/model", "run_id": run}
        if run == filled.first:
            source = {
                "source": f"models:/{filled.model_id}",
                "model_id": filled.model_id,
                "run_id": run,
            }
        await rest.done("model-versions/create", {"name": MODEL, **source})
    await rest.done("registered-models/alias", {"name": MODEL, "alias": "champion", "version": "2"})
    stage = {"name": MODEL, "version": "1", "stage": "Staging", "archive_existing_versions": False}
    await rest.done("model-versions/transition-stage", stage)


async def _prompt(rest: Api) -> None:
    is_prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    await rest.done("registered-models/create", {"name": PROMPT, "tags": [is_prompt]})
    for text in ("Hello {{ name }}", "Good morning {{ name }}"):
        tags = [is_prompt, {"key": "mlflow.prompt.text", "value": text}]
        await rest.done(
            "model-versions/create", {"name": PROMPT, "source": "prompt-template", "tags": tags}
        )


async def _evaluation_dataset(rest: Api, filled: Filled) -> str:
    root = "../../3.0/mlflow/datasets"
    tags = json.dumps({"mlflow.user": "ada", "team": "red"})
    body = {"name": EVALUATION_DATASET, "experiment_ids": [filled.experiment], "tags": tags}
    made = await rest.done(f"{root}/create", body)
    dataset_id: str = made["dataset"]["dataset_id"]
    records = [
        {
            "inputs": {"question": question},
            "expectations": {"expected_response": answer},
            "tags": {"mlflow.user": "ada"},
            "source": {"source_type": "HUMAN", "source_data": {}},
        }
        for question, answer in TABLE["data"]
    ]
    await rest.done(f"{root}/{dataset_id}/records", {"records": json.dumps(records)})
    return dataset_id
