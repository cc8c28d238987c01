"""OpenTelemetry's exporters for Node.js send their spans, and MLflow's API has them all."""

import asyncio
import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.compat.conftest import PROJECT_MOUNT
from tests.rest import api
from tests.web_server import ROOT, ROOT_TOKEN

SCRIPT = Path(__file__).parent / "clients" / "node" / "exporter.cjs"
MODULES = ROOT / ".venvs" / "node" / "node_modules"


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None or not MODULES.exists():
        pytest.skip("Node.js and npm are not installed; make test installs them on Debian as root")
    return found


def export(node: str, kind: str, **variables: str) -> str:
    """Trace something, and return the trace's id."""
    environment = {
        **os.environ,
        "NODE_PATH": str(MODULES),
        **{f"OTEL_EXPORTER_OTLP_TRACES_{name}": value for name, value in variables.items()},
    }
    said = subprocess.run(
        (node, SCRIPT, kind),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (said.returncode, said.stderr) == (0, ""), said
    return f"tr-{said.stdout.strip()}"


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("kind", ["http", "proto"], ids=["json", "protobuf"])
async def test_spans_of_nodes_exporters_arrive(
    standalone_warren: Any, node: str, kind: str, compression: str
) -> None:
    async with api(standalone_warren.url, token=ROOT_TOKEN) as rest:
        experiment_id = await rest.new_experiment(f"node {random.random()}")
        trace_id = await asyncio.to_thread(
            export,
            node,
            kind,
            ENDPOINT=f"{standalone_warren.url}{PROJECT_MOUNT}/v1/traces",
            HEADERS=f"x-mlflow-experiment-id={experiment_id},Authorization=Bearer%20{ROOT_TOKEN}",
            COMPRESSION=compression,
        )
        asked = {"request_id": trace_id}
        address = f"{standalone_warren.url}/ajax-api/2.0/mlflow/get-trace-artifact"
        async with rest.session.get(address, params=asked) as answer:
            spans = {span["name"]: span for span in (await answer.json(content_type=None))["spans"]}
        address = f"{standalone_warren.url}/api/3.0/mlflow/traces/{trace_id}"
        async with rest.session.get(address) as answer:
            info = (await answer.json())["trace"]["trace_info"]
    assert (info["state"], info["request_preview"]) == ("OK", '"q: ü"')
    assert (info["tags"]["service.name"], info["tags"]["replicas"]) == ("web-shop", "2")
    assert len(spans) == 603
    root, chat, tool = spans["agent"], spans["chat"], spans["tool"]
    assert {each["parent_span_id"] for each in spans.values() if each != root} == {root["span_id"]}
    attributes = chat["attributes"]
    assert attributes["mlflow.spanType"] == '"CHAT_MODEL"'
    assert json.loads(attributes["mlflow.chat.tokenUsage"])["total_tokens"] == 18
    assert json.loads(attributes["temperatures"]) == [0.5, 1]
    assert (attributes["large"], attributes["streamed"]) == (str(2**40), "false")
    assert [event["name"] for event in chat["events"]] == ["first token"]
    assert [link["attributes"] for link in chat["links"]] == [{"why": "test"}]
    assert (tool["status"]["code"], tool["status"]["message"]) == ("STATUS_CODE_ERROR", "broken")
    assert [event["name"] for event in tool["events"]] == ["exception"]
