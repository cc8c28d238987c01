"""OpenTelemetry's own exporter for Python sends its spans, and MLflow's newest client reads them."""

import asyncio
import json
import random
import subprocess
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Link, SpanKind

from tests.compat.conftest import NEWEST, PROJECT_MOUNT, venv_of
from tests.rest import api
from tests.web_server import ROOT_TOKEN

READ = """
import json, sys
import mlflow
from mlflow.tracking import MlflowClient

trace = MlflowClient().get_trace(sys.argv[1])
print(json.dumps({
    "state": str(trace.info.state),
    "tags": trace.info.tags,
    "usage": trace.info.token_usage,
    "request": trace.info.request_preview,
    "spans": {
        span.name: {
            "type": span.span_type,
            "inputs": span.inputs,
            "outputs": span.outputs,
            "status": span.status.status_code.value,
            "events": [event.name for event in span.events],
            "links": [link.to_dict() for link in span.links],
            "attributes": span.attributes,
        }
        for span in trace.data.spans
    },
}))
"""


class Broken(Exception):
    """What the traced program raises."""


def trace_something(endpoint: str, headers: dict[str, str], compression: Compression) -> str:
    """Trace nested calls, one of which fails, and return the trace's id. The exporter's result is checked."""
    results = []

    class Checked(OTLPSpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            results.append(super().export(spans))
            return results[-1]

    exporter = Checked(endpoint=endpoint, headers=headers, compression=compression)
    provider = TracerProvider(resource=Resource({"service.name": "shop", "replicas": 2}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("agent") as root:
        root.set_attributes({"gen_ai.operation.name": "invoke_agent", "input.value": "q: ü"})
        with tracer.start_as_current_span(
            "chat", kind=SpanKind.CLIENT, links=[Link(root.get_span_context(), {"why": "test"})]
        ) as chat:
            chat.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": []}]),
                    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": []}]),
                    "gen_ai.usage.input_tokens": 11,
                    "gen_ai.usage.output_tokens": 7,
                    "temperatures": [0.5, 1.0],
                }
            )
        try:
            with tracer.start_as_current_span("tool"):
                raise Broken
        except Broken:
            pass
        for number in range(600):  # More than one batch of the exporter.
            tracer.start_span(f"step {number}").end()
    provider.shutdown()
    assert results
    assert set(results) == {SpanExportResult.SUCCESS}
    return f"tr-{root.get_span_context().trace_id:032x}"


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.NoCompression])
@pytest.mark.parametrize("mount", ["", PROJECT_MOUNT])
async def test_exported_spans_are_read_by_mlflow(
    standalone_warren: Any, mount: str, compression: Compression
) -> None:
    url = f"{standalone_warren.url}{mount}"
    async with api(standalone_warren.url, token=ROOT_TOKEN) as rest:
        experiment_id = await rest.new_experiment(f"exporter {random.random()}")
    headers = {"x-mlflow-experiment-id": experiment_id, "Authorization": f"Bearer {ROOT_TOKEN}"}
    trace_id = await asyncio.to_thread(trace_something, f"{url}/v1/traces", headers, compression)
    python = venv_of(NEWEST) / "bin" / "python"
    environment = {"MLFLOW_TRACKING_URI": url, "MLFLOW_TRACKING_TOKEN": ROOT_TOKEN, "PATH": ""}
    read = await asyncio.to_thread(
        subprocess.run,
        (python, "-c", READ, trace_id),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    trace = json.loads(read.stdout)
    assert trace["state"].endswith("OK")
    assert trace["tags"]["service.name"] == "shop"
    assert trace["tags"]["replicas"] == "2"
    assert trace["usage"] == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    assert trace["request"] == '"q: ü"'
    spans = trace["spans"]
    assert len(spans) == 603
    assert (spans["agent"]["type"], spans["agent"]["inputs"]) == ("AGENT", "q: ü")
    chat = spans["chat"]
    assert (chat["type"], chat["outputs"]) == ("CHAT_MODEL", [{"role": "assistant", "parts": []}])
    assert chat["attributes"]["temperatures"] == [0.5, 1.0]
    assert [(link["trace_id"], link["attributes"]) for link in chat["links"]] == [
        (trace_id, {"why": "test"})
    ]
    assert (spans["tool"]["status"], spans["tool"]["events"]) == ("ERROR", ["exception"])
