"""Traces and their spans."""

import os
import threading

import mlflow
from mlflow.entities import SpanStatusCode
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from scenario import (
    IS_MLFLOW_2,
    found_traces,
    log_traces_synchronously,
    logged_trace,
    new_experiment,
    since,
    until,
)

log_traces_synchronously()
client = MlflowClient()


def trace() -> None:
    experiment_id = new_experiment("decorated")

    @mlflow.trace(name="adds", span_type="TOOL", attributes={"unit": "apple"})
    def add(a: int, b: int = 2) -> int:
        return a + b

    @mlflow.trace
    def count(limit: int):
        yield from range(limit)

    @mlflow.trace
    def all_of_it() -> list[int]:
        return [add(1), *count(3)]

    assert all_of_it() == [3, 0, 1, 2]
    [trace_id] = found_traces(client, experiment_id)
    root, added, counted = client.get_trace(trace_id).data.spans
    assert (root.name, root.outputs) == ("all_of_it", [3, 0, 1, 2]), root
    assert (added.name, added.span_type, added.inputs) == ("adds", "TOOL", {"a": 1, "b": 2}), added
    assert (added.outputs, added.attributes["unit"]) == (3, "apple"), added
    assert (counted.inputs, counted.outputs) == ({"limit": 3}, [0, 1, 2]), counted
    assert {added.parent_id, counted.parent_id} == {root.span_id}


def start_span() -> None:
    new_experiment("spans")
    with mlflow.start_span("outer", span_type="AGENT", attributes={"n": 1}) as outer:
        outer.set_inputs({"q": "ü"})
        with mlflow.start_span("inner") as inner:
            inner.set_status("ERROR")
            inner.set_attributes({"list": [1, 2.5], "none": None})
        outer.set_outputs(None)
    found = {span.name: span for span in client.get_trace(outer.request_id).data.spans}
    assert found["outer"].inputs == {"q": "ü"}, found["outer"]
    assert found["outer"].span_type == "AGENT", found["outer"]
    assert found["inner"].status.status_code == SpanStatusCode.ERROR, found["inner"]
    assert found["inner"].attributes["list"] == [1, 2.5], found["inner"]
    assert found["inner"].parent_id == found["outer"].span_id


def start_trace() -> None:
    experiment_id = new_experiment("started")
    root = client.start_trace(
        "root", inputs={"x": 1}, attributes={"a": "b"}, tags={"t": "u"}, experiment_id=experiment_id
    )
    child = client.start_span("child", root.request_id, root.span_id, span_type="TOOL", inputs=[1])
    client.end_span(root.request_id, child.span_id, outputs="done", status="ERROR")
    client.end_trace(root.request_id, outputs={"y": 2}, attributes={"c": "d"})
    read = client.get_trace(root.request_id)
    assert (read.info.experiment_id, read.info.tags["t"]) == (experiment_id, "u"), read.info
    first, second = read.data.spans
    assert (first.inputs, first.outputs) == ({"x": 1}, {"y": 2}), first
    assert (first.attributes["a"], first.attributes["c"]) == ("b", "d"), first
    assert (second.outputs, second.parent_id) == ("done", first.span_id), second
    assert second.status.status_code == SpanStatusCode.ERROR, second


def end_trace() -> None:
    """One that failed, at a time of the caller's choice, with what it had begun still open."""
    new_experiment("ended")
    root = client.start_trace("root", start_time_ns=1_000_000_000)
    client.end_trace(root.request_id, status="ERROR", end_time_ns=3_500_000_000)
    info = client.get_trace(root.request_id).info
    assert (info.status, info.timestamp_ms, info.execution_time_ms) == ("ERROR", 1000, 2500), info


def end_span() -> None:
    new_experiment("ended")
    root = client.start_trace("root")
    spans = [client.start_span(name, root.request_id, root.span_id) for name in ("a", "b")]
    for each in reversed(spans):
        client.end_span(root.request_id, each.span_id, end_time_ns=each.start_time_ns + 5)
    client.end_trace(root.request_id)
    ended = {each.name: each for each in client.get_trace(root.request_id).data.spans}
    assert [ended[name].end_time_ns - ended[name].start_time_ns for name in "ab"] == [5, 5]


@since("3")
def start_span_no_context() -> None:
    experiment_id = new_experiment("no context")
    root = mlflow.start_span_no_context("root", metadata={"m": "n"}, tags={"t": "u"})
    child = mlflow.start_span_no_context("child", parent_span=root, inputs=1)
    thread = threading.Thread(target=lambda: child.end(outputs=2))
    thread.start()
    thread.join()
    root.end()
    [trace_id] = found_traces(client, experiment_id)
    read = client.get_trace(trace_id)
    assert (read.info.trace_metadata["m"], read.info.tags["t"]) == ("n", "u"), read.info
    assert [(each.inputs, each.outputs) for each in read.data.spans] == [(None, None), (1, 2)]


def add_trace() -> None:
    """What another server traced becomes part of the trace here."""
    new_experiment("added")
    remote = client.get_trace(logged_trace("remote", q=1)).to_dict()
    with mlflow.start_span("local") as local:
        mlflow.add_trace(remote)
    spans = {each.name: each for each in client.get_trace(local.request_id).data.spans}
    assert spans["remote"].parent_id == spans["local"].span_id, spans
    assert spans["remote"].inputs == {"q": 1}, spans


def log_trace() -> None:
    new_experiment("logged")
    trace_id = mlflow.log_trace(
        name="task",
        request={"q": 1},
        response="yes",
        tags={"t": "u"},
        start_time_ms=1_700_000_000_000,
        execution_time_ms=5129,
    )
    read = client.get_trace(trace_id)
    assert (read.info.timestamp_ms, read.info.execution_time_ms) == (1_700_000_000_000, 5129)
    assert (read.info.tags["t"], read.data.spans[0].outputs) == ("u", "yes"), read


def get_trace() -> None:
    new_experiment("got")
    trace_id = logged_trace(q=[1, None])
    for read in (mlflow.get_trace(trace_id), client.get_trace(trace_id)):
        assert (read.info.request_id, read.data.spans[0].inputs) == (trace_id, {"q": [1, None]})
    assert mlflow.get_trace("tr-" + "0" * 32) is None
    try:
        client.get_trace("tr-" + "0" * 32)
    except MlflowException as error:
        assert "not found" in str(error), error
    else:
        raise AssertionError


def search_traces() -> None:
    experiment_id = new_experiment("searched")
    names = ("a", "b", "c")
    logged = [logged_trace(name, number=number) for number, name in enumerate(names)]
    frame = mlflow.search_traces([experiment_id])
    assert len(frame) == len(names), frame
    listed = mlflow.search_traces(
        [experiment_id], filter_string="name != 'b'", return_type="list", max_results=1
    )
    assert [each.info.request_id for each in listed] == [logged[2]], listed
    page = client.search_traces([experiment_id], max_results=2, order_by=["timestamp_ms ASC"])
    rest = client.search_traces(
        [experiment_id], max_results=2, order_by=["timestamp_ms ASC"], page_token=page.token
    )
    assert [each.info.request_id for each in [*page, *rest]] == logged
    assert not rest.token


@since("3")
def search_sessions() -> None:
    """Conversations: the traces that have the same session."""
    experiment_id = new_experiment("sessions")
    logged = {}
    for session in ("s-1", "s-2", "s-1"):
        with mlflow.start_span("turn") as span:
            mlflow.update_current_trace(metadata={"mlflow.trace.session": session})
        logged.setdefault(session, []).append(span.trace_id)
    logged_trace("of no session")
    sessions = mlflow.search_sessions(locations=[experiment_id])
    assert {each.id: [trace.info.trace_id for trace in each] for each in sessions} == logged


def delete_traces() -> None:
    experiment_id = new_experiment("deleted")
    first, second, third = (logged_trace() for _ in range(3))
    ids = "request_ids" if IS_MLFLOW_2 else "trace_ids"
    assert client.delete_traces(experiment_id, **{ids: [first, "tr-" + "0" * 32]}) == 1
    assert found_traces(client, experiment_id) == [third, second]
    assert client.delete_traces(experiment_id, max_timestamp_millis=2**53, max_traces=1) == 1
    assert found_traces(client, experiment_id) == [third]


def update_current_trace() -> None:
    experiment_id = new_experiment("updated")
    with mlflow.start_span("root") as root, mlflow.start_span("inside"):
        mlflow.update_current_trace(tags={"fruit": "apple", "ü": "1"})
        mlflow.update_current_trace(tags={"fruit": "pear"})
        if not IS_MLFLOW_2:
            mlflow.update_current_trace(
                metadata={"mlflow.trace.session": "s-1", "mlflow.trace.user": "ann"},
                client_request_id="request-1",
                request_preview="asked",
                response_preview="answered",
                state="ERROR",
            )
    info = client.get_trace(root.request_id).info
    assert (info.tags["fruit"], info.tags["ü"]) == ("pear", "1"), info
    assert found_traces(client, experiment_id, "tags.fruit = 'pear'") == [root.request_id]
    if not IS_MLFLOW_2:
        assert info.client_request_id == "request-1", info
        assert (info.request_preview, info.response_preview) == ("asked", "answered"), info
        assert (info.state, info.trace_metadata["mlflow.trace.user"]) == ("ERROR", "ann"), info
        by_session = "metadata.`mlflow.trace.session` = 's-1'"
        assert found_traces(client, experiment_id, by_session) == [root.request_id]


@until("3")
def get_last_active_trace() -> None:
    new_experiment("last")
    trace_id = logged_trace("last")
    assert mlflow.get_last_active_trace().info.request_id == trace_id


def get_last_active_trace_id() -> None:
    new_experiment("last")
    trace_id = logged_trace("last")
    assert mlflow.get_last_active_trace_id() == trace_id
    assert mlflow.get_trace(mlflow.get_last_active_trace_id()).info.request_id == trace_id


@since("3")
def get_active_trace_id() -> None:
    new_experiment("active")
    with mlflow.start_span("root"):
        trace_id = mlflow.get_active_trace_id()
    assert client.get_trace(trace_id).info.request_id == trace_id


def get_current_active_span() -> None:
    new_experiment("active")
    with mlflow.start_span("root") as root:
        mlflow.get_current_active_span().set_attribute("late", [1])
    assert client.get_trace(root.request_id).data.spans[0].attributes["late"] == [1]


def set_trace_tag() -> None:
    experiment_id = new_experiment("tagged")
    trace_id = logged_trace()
    client.set_trace_tag(trace_id, "a", "1")
    client.set_trace_tag(trace_id, "a", "2")
    if not IS_MLFLOW_2:
        mlflow.set_trace_tag(trace_id, "b", "3")
        assert client.get_trace(trace_id).info.tags["b"] == "3"
    assert client.get_trace(trace_id).info.tags["a"] == "2"
    assert found_traces(client, experiment_id, "tags.a = '2'") == [trace_id]


def delete_trace_tag() -> None:
    new_experiment("tagged")
    trace_id = logged_trace()
    deletes = [client.delete_trace_tag] + ([] if IS_MLFLOW_2 else [mlflow.delete_trace_tag])
    for delete in deletes:
        client.set_trace_tag(trace_id, "a", "1")
        delete(trace_id, "a")
        assert "a" not in client.get_trace(trace_id).info.tags


@since("3")
def link_traces_to_run() -> None:
    experiment_id = new_experiment("linked")
    traces = sorted(logged_trace() for _ in range(3))
    run_id = client.create_run(experiment_id).info.run_id
    client.link_traces_to_run(traces[:2], run_id)
    client.link_traces_to_run(traces[1:2], run_id)
    assert sorted(found_traces(client, experiment_id, f"run_id = '{run_id}'")) == traces[:2]
    found = mlflow.search_traces(locations=[experiment_id], run_id=run_id, return_type="list")
    assert sorted(each.info.trace_id for each in found) == traces[:2]


def flush_trace_async_logging() -> None:
    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "true"
    experiment_id = new_experiment("flushed")
    for number in range(20):
        with mlflow.start_span(str(number)):
            pass
    mlflow.flush_trace_async_logging()
    assert len(client.search_traces([experiment_id])) == 20
