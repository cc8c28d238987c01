"""MLflow's TypeScript SDK, by the requests that it makes: a trace, then its spans as a file; read by this client."""

import base64
import secrets
import time

from mlflow.tracking import MlflowClient
from mlflow.utils.rest_utils import http_request
from scenario import new_experiment

SINCE = "3"
client = MlflowClient()
experiment_id = new_experiment("typescript")
trace_number, span_numbers = secrets.token_bytes(16), [secrets.token_bytes(8) for _ in range(2)]
trace_id = f"tr-{trace_number.hex()}"
now = time.time_ns()


def ask(method, path, **body):
    """Make a request as the SDK does, and return what is answered."""
    creds = client._tracking_client.store.get_host_creds()
    answer = http_request(creds, path, method, **body)
    assert answer.status_code == 200, answer.text
    return answer.json() if answer.content else None


def span(number, parent, name, **attributes):
    """Write a span as the SDK does: its attributes as they are, where Python's client has JSON in JSON."""
    return {
        "trace_id": base64.b64encode(trace_number).decode(),
        "span_id": base64.b64encode(span_numbers[number]).decode(),
        "parent_span_id": "" if parent is None else base64.b64encode(span_numbers[parent]).decode(),
        "name": name,
        "start_time_unix_nano": now + number,
        "end_time_unix_nano": now + 3_000_000 - number,
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {"mlflow.traceRequestId": trace_id, **attributes},
        "events": [{"name": "said", "time_unix_nano": now + 5, "attributes": {"word": "ü"}}],
    }


info = {
    "trace_id": trace_id,
    "trace_location": {
        "type": "MLFLOW_EXPERIMENT",
        "mlflow_experiment": {"experiment_id": experiment_id},
    },
    "request_preview": '{"city":"Ulm"}',
    "response_preview": '"sunny"',
    "request_time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
    "execution_duration": "0.003s",
    "state": "OK",
    "trace_metadata": {
        "mlflow.trace_schema.version": "3",
        "mlflow.trace.tokenUsage": '{"input_tokens":11,"output_tokens":7,"total_tokens":18}',
    },
    "tags": {"mlflow.traceName": "weather"},
    "assessments": [],
}
spans = [
    span(0, None, "weather", **{"mlflow.spanType": "CHAIN", "mlflow.spanInputs": {"city": "Ulm"}}),
    span(1, 0, "ask", **{"mlflow.spanType": "LLM", "mlflow.spanOutputs": "sunny", "count": 3}),
]

stored = ask("POST", "/api/3.0/mlflow/traces", json={"trace": {"trace_info": info}})
location = stored["trace"]["trace_info"]["tags"]["mlflow.artifactLocation"]
file = (
    f"/api/2.0/mlflow-artifacts/artifacts{location.removeprefix('mlflow-artifacts:')}/traces.json"
)
ask("PUT", file, json={"spans": spans})

# The SDK reads what it has written.
read = ask("GET", f"/api/3.0/mlflow/traces/{trace_id}")["trace"]["trace_info"]
assert (read["request_preview"], read["response_preview"]) == ('{"city":"Ulm"}', '"sunny"'), read
assert ask("GET", file) == {"spans": spans}

# So does Python's client.
trace = client.get_trace(trace_id)
assert (trace.info.state, trace.info.execution_duration) == ("OK", 3), trace.info
assert trace.info.token_usage["total_tokens"] == 18, trace.info
root, inner = trace.data.spans
assert (root.name, root.span_type, root.inputs) == ("weather", "CHAIN", {"city": "Ulm"}), root
assert (inner.parent_id, inner.outputs, inner.attributes["count"]) == (root.span_id, "sunny", 3)
assert [event.attributes for event in inner.events] == [{"word": "ü"}], inner.events
client.set_trace_tag(trace_id, "checked", "true")
[found] = client.search_traces([experiment_id], "tags.checked = 'true'")
assert [each.name for each in found.data.spans] == ["weather", "ask"], found
