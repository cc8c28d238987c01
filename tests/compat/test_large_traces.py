"""MLflow's newest client writes a trace of many spans and reads it back. `make soak` does it with 20,000 and 33,000."""

import asyncio
import json
import os
import random
import subprocess
from typing import Any

import pytest

from deploy.local.embedded.progress import announce
from tests.bench.scale.memory import growth
from tests.compat.conftest import NEWEST, venv_of
from tests.rest import api

COUNTS = [int(each) for each in os.environ.get("WARREN_SOAK_SPANS", "2500").split(",")]
ALLOWED_MEGABYTES = {"gateway": 200, "traces": 96}
"""What a process may grow by, with the body of a request that has all spans."""

QUEUE = {"MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE": "100000"}
"""By default the client discards spans while a thousand requests, of five spans each, wait to be sent."""

CLIENT = """
import json, sys, time
import mlflow
from mlflow.tracking import MlflowClient

mlflow.set_experiment(experiment_id=sys.argv[1])
began = time.monotonic()
with mlflow.start_span("root") as root:
    for number in range(int(sys.argv[2]) - 1):
        with mlflow.start_span(f"step {number}") as span:
            span.set_inputs({"text": "x" * 1000})
mlflow.flush_trace_async_logging()
written = time.monotonic() - began
began = time.monotonic()
trace = MlflowClient().get_trace(root.trace_id)
print(json.dumps({
    "spans": len({span.span_id for span in trace.data.spans}),
    "inputs": sum(len(span.inputs["text"]) for span in trace.data.spans if span.inputs),
    "state": str(trace.info.state),
    "written": written,
    "read": time.monotonic() - began,
}))
"""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", COUNTS)
async def test_mlflows_client_writes_and_reads_a_large_trace(stack_warren: Any, count: int) -> None:
    url = stack_warren.url
    async with api(url) as rest:
        experiment_id = await rest.new_experiment(f"{count} spans {random.random()}")
    python = venv_of(NEWEST) / "bin" / "python"

    def processes() -> dict[int, str]:
        return {pid: name for name in ALLOWED_MEGABYTES for pid in stack_warren.pids(name)}

    with growth(processes) as grown:
        done = await asyncio.to_thread(
            subprocess.run,
            (python, "-c", CLIENT, experiment_id, str(count)),
            env={"MLFLOW_TRACKING_URI": url, "PATH": "", **QUEUE},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    announce(f"{count} spans: {found}, MB {grown}")
    assert (found["spans"], found["inputs"]) == (count, 1000 * (count - 1))
    assert found["state"].endswith("OK")
    assert all(grown[each] < ALLOWED_MEGABYTES[each] for each in grown), grown
