"""What a program sets about its traces."""

import os
import subprocess
import tempfile
import threading
from pathlib import Path

import mlflow
from mlflow.entities.span import LiveSpan
from mlflow.tracking import MlflowClient
from scenario import (
    found_traces,
    log_traces_synchronously,
    logged_trace,
    new_experiment,
    since,
    unique,
    until,
)

log_traces_synchronously()
client = MlflowClient()


@since("3")
def context() -> None:
    """`mlflow.tracing.context`: what is said of all traces inside."""
    experiment_id = new_experiment("context")
    with mlflow.tracing.context(tags={"t": "u"}, session_id="s-2", user="ann"):
        trace_id = logged_trace()
        with mlflow.tracing.context(enabled=False):
            logged_trace()
    assert found_traces(client, experiment_id) == [trace_id]
    info = client.get_trace(trace_id).info
    assert (info.tags["t"], info.trace_metadata["mlflow.trace.session"]) == ("u", "s-2"), info


@since("3")
def set_tracing_context_from_http_request_headers() -> None:
    """A trace whose spans two processes send: the callee's may arrive first."""
    new_experiment("distributed")
    with mlflow.start_span("caller") as caller:
        headers = mlflow.tracing.get_tracing_context_headers_for_http_request()

        def serve() -> None:
            with (
                mlflow.tracing.set_tracing_context_from_http_request_headers(headers),
                mlflow.start_span("callee") as callee,
            ):
                callee.set_inputs({"q": 1})

        thread = threading.Thread(target=serve)
        thread.start()
        thread.join()
    spans = {each.name: each for each in client.get_trace(caller.trace_id).data.spans}
    assert spans["callee"].parent_id == spans["caller"].span_id, spans
    assert spans["callee"].inputs == {"q": 1}, spans


def disable() -> None:
    """`mlflow.tracing.disable` and `enable`."""
    experiment_id = new_experiment("disabled")
    mlflow.tracing.disable()
    with mlflow.start_span("none"):
        pass
    mlflow.tracing.enable()
    with mlflow.start_span("one"):
        pass
    assert len(found_traces(client, experiment_id)) == 1


@since("3")
def configure() -> None:
    """`mlflow.tracing.configure`: what processors of spans take out is not there."""
    new_experiment("configured")

    def redact(span: LiveSpan) -> None:
        span.set_inputs({"password": "***"})

    mlflow.tracing.configure(span_processors=[redact])
    trace_id = logged_trace(password="secret")
    read = client.get_trace(trace_id)
    assert "secret" not in read.to_json(), read


@since("3")
def set_destination() -> None:
    """`mlflow.tracing.set_destination`: another experiment than the current one."""
    from mlflow.entities.trace_location import MlflowExperimentLocation

    current = new_experiment("current")
    other = client.create_experiment(unique("destination"))
    mlflow.tracing.set_destination(MlflowExperimentLocation(other))
    trace_id = logged_trace()
    assert (found_traces(client, current), found_traces(client, other)) == ([], [trace_id])
    mlflow.tracing.reset()


def set_span_chat_tools() -> None:
    new_experiment("tools")
    tool = {"type": "function", "function": {"name": "add", "description": "Adds."}}
    with mlflow.start_span("chat", span_type="CHAT_MODEL") as span:
        mlflow.tracing.set_span_chat_tools(span, [tool])
    [read] = client.get_trace(span.request_id).data.spans
    assert read.get_attribute("mlflow.chat.tools")[0]["function"]["name"] == "add", read


@until("3")
def set_span_chat_messages() -> None:
    new_experiment("messages")
    with mlflow.start_span("chat", span_type="CHAT_MODEL") as span:
        mlflow.tracing.set_span_chat_messages(span, [{"role": "user", "content": "ü?"}])
    [read] = client.get_trace(span.request_id).data.spans
    assert read.get_attribute("mlflow.chat.messages") == [{"role": "user", "content": "ü?"}], read


@since("3")
def enable_git_model_versioning() -> None:
    """Traces belong to a version of the program, which is its commit."""
    new_experiment("commits")
    folder = Path(tempfile.mkdtemp())
    author = ("-c", "user.name=ann", "-c", "user.email=ann@example.com")
    for command in (("init", "-q"), (*author, "commit", "-q", "--allow-empty", "-m", "First")):
        subprocess.run(("git", *command), cwd=folder, check=True)
    os.chdir(folder)
    with mlflow.genai.enable_git_model_versioning() as versions:
        model_id = versions.active_model.model_id
        trace_id = logged_trace()
    assert client.get_trace(trace_id).info.trace_metadata["mlflow.modelId"] == model_id
    assert client.get_logged_model(model_id).tags["mlflow.source.git.commit"]


@since("3")
def set_active_model() -> None:
    """Traces of an application's version, and the searches for them."""
    experiment_id = new_experiment("versions")
    with mlflow.set_active_model(name="shop") as model:
        trace_id = logged_trace()
    logged_trace()
    found = mlflow.search_traces([experiment_id], model_id=model.model_id, return_type="list")
    assert [each.info.trace_id for each in found] == [trace_id], found
