"""Traces: logged by the decorator, read, searched, tagged and deleted, alike in MLflow 2 and 3."""

import contextlib
import time

import mlflow
from mlflow.tracking import MlflowClient
from scenario import IS_MLFLOW_2, flush, new_experiment, refused

client = MlflowClient()
IDS = "request_ids" if IS_MLFLOW_2 else "trace_ids"
experiment_id = new_experiment("traces")


@mlflow.trace(span_type="CHAIN", attributes={"kind": "outer"})
def answer(question, times=1):
    """Call a span inside, or fail in it."""
    with mlflow.start_span("look up", span_type="RETRIEVER") as span:
        span.set_inputs({"question": question, "ü": [1, 2.5, None, True]})
        if times < 0:
            message = "negative"
            raise ValueError(message)
        span.set_outputs(["a"] * times)
    return f"{question}!"


def found(filter_string=None, **more):
    """Return the ids and the spans of a search."""
    flush()
    traces = client.search_traces(
        experiment_ids=[experiment_id], filter_string=filter_string, **more
    )
    return [(trace.info.request_id, len(trace.data.spans)) for trace in traces]


began = int(time.time() * 1000)
assert answer("why") == "why!"
time.sleep(0.01)
assert answer("how", times=3) == "how!"
with mlflow.start_run() as run:
    time.sleep(0.01)
    with contextlib.suppress(ValueError):
        answer("no", times=-1)

newest_first = found()
assert [spans for _, spans in newest_first] == [2, 2, 2], newest_first
failed, how, why = [trace_id for trace_id, _ in newest_first]

trace = client.get_trace(why)
outer, inner = trace.data.spans
assert (outer.name, outer.parent_id, outer.span_type) == ("answer", None, "CHAIN"), outer
assert (inner.name, inner.parent_id, inner.span_type) == ("look up", outer.span_id, "RETRIEVER")
assert inner.inputs == {"question": "why", "ü": [1, 2.5, None, True]}, inner.inputs
assert inner.outputs == ["a"], inner.outputs
assert outer.outputs == "why!", outer.outputs
assert outer.attributes["kind"] == "outer", outer.attributes
assert outer.start_time_ns <= inner.start_time_ns <= inner.end_time_ns <= outer.end_time_ns
info = trace.info
assert info.experiment_id == experiment_id, info
assert info.status == "OK", info
assert began <= info.timestamp_ms <= int(time.time() * 1000), info
assert info.tags["mlflow.traceName"] == "answer", info.tags
# MLflow 2 has it among the tags.
assert {**info.tags, **info.request_metadata}["mlflow.source.type"] == "LOCAL", info

error = client.get_trace(failed)
assert error.info.status == "ERROR", error.info
assert error.info.request_metadata["mlflow.sourceRun"] == run.info.run_id
assert [event.name for event in error.data.spans[1].events] == ["exception"]

assert found("status = 'ERROR'") == [(failed, 2)]
assert found("tags.mlflow.traceName = 'answer'") == newest_first
assert found("name = 'other'") == []
assert found(f"timestamp_ms < {began}") == []
assert found(order_by=["timestamp_ms ASC"]) == newest_first[::-1]
assert found(f"run_id = '{run.info.run_id}'") == [(failed, 2)]
page = client.search_traces(experiment_ids=[experiment_id], max_results=2)
assert [each.info.request_id for each in page] == [failed, how], page
page = client.search_traces(experiment_ids=[experiment_id], max_results=2, page_token=page.token)
assert [each.info.request_id for each in page] == [why], page
frame = mlflow.search_traces([experiment_id])
assert len(frame) == 3, frame

client.set_trace_tag(why, "team", "red")
client.set_trace_tag(why, "team", "blue")
assert client.get_trace(why).info.tags["team"] == "blue"
assert found("tags.team = 'blue'") == [(why, 2)]
client.delete_trace_tag(why, "team")
assert "team" not in client.get_trace(why).info.tags
with refused("RESOURCE_DOES_NOT_EXIST"):
    client.delete_trace_tag(why, "team")

assert client.delete_traces(experiment_id, **{IDS: [failed]}) == 1
assert [trace_id for trace_id, _ in found()] == [how, why]
now = int(time.time() * 1000)
assert client.delete_traces(experiment_id, max_timestamp_millis=now, max_traces=1) == 1
assert [trace_id for trace_id, _ in found()] == [how]
assert client.delete_traces(experiment_id, max_timestamp_millis=now) == 1
assert found() == []
