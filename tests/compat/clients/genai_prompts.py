"""Prompts, and what they are linked to."""

import time
from collections.abc import Callable

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from scenario import (
    IS_MLFLOW_2,
    log_traces_synchronously,
    new_experiment,
    new_run,
    refused,
    since,
    unique,
    until,
)

log_traces_synchronously()
client = MlflowClient()
api = mlflow if IS_MLFLOW_2 else mlflow.genai
GREETING = "Hello {{name}}!"


def _registered(**more: object) -> str:
    """Register the first version of a new prompt and return its name."""
    name = unique("prompt")
    api.register_prompt(name=name, template=GREETING, **more)
    return name


def _is_missing(name: str, **version: int) -> bool:
    try:
        api.load_prompt(name, **version)
    except MlflowException:
        return True
    return False


def _log(name: str, run_id: str) -> None:
    """Do what `log_prompt` does, which MLflow 3 does not have."""
    if IS_MLFLOW_2:
        client.log_prompt(run_id, f"prompts:/{name}/1")
    else:
        client.set_prompt_version_tag(name, "1", "mlflow.prompt.associatedRunIds", run_id)


def _soon(read: Callable[[], object], wanted: object) -> None:
    """Wait for what the client does in a thread of its own."""
    until_then = time.monotonic() + 20
    while read() != wanted:
        assert time.monotonic() < until_then, read()
        time.sleep(0.02)


def register_prompt() -> None:
    new_experiment("prompts")
    name = _registered(commit_message="first", tags={"a": "b"})
    second = api.register_prompt(name=name, template="Bye {{name}}!")
    assert int(second.version) == 2
    assert api.load_prompt(name, version=1).commit_message == "first"


@since("3")
def register_prompt_for_chat() -> None:
    """A prompt of messages, with a format of the answer and a model's configuration."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{q}}"}]
    name = unique("chat")
    mlflow.genai.register_prompt(
        name=name,
        template=messages,
        response_format={"type": "object", "properties": {"ü": {"type": "string"}}},
        model_config={"model_name": "small", "temperature": 0.5},
    )
    loaded = mlflow.genai.load_prompt(f"prompts:/{name}/1")
    assert loaded.template == messages, loaded
    assert loaded.response_format["properties"] == {"ü": {"type": "string"}}, loaded
    assert loaded.model_config["temperature"] == 0.5, loaded
    assert loaded.format(q="why?")[1]["content"] == "why?"


def load_prompt() -> None:
    name = _registered()
    assert api.load_prompt(f"prompts:/{name}/1").format(name="Ann") == "Hello Ann!"
    assert api.load_prompt(name, version=1).template == GREETING
    assert client.load_prompt(name, version=1).template == GREETING
    assert _is_missing(name, version=9)


@since("3")
def load_prompt_inside_a_trace() -> None:
    """The trace, the span, the run and the model are linked to it, and searches find the trace by it."""
    experiment_id = new_experiment("linked")
    name = _registered()
    with (
        mlflow.set_active_model(name="shop") as model,
        mlflow.start_run() as run,
        mlflow.start_span("ask") as span,
    ):
        mlflow.genai.load_prompt(name, version=1)
    entry = f'[{{"name": "{name}", "version": "1"}}]'
    _soon(lambda: client.get_trace(span.trace_id).info.tags.get("mlflow.linkedPrompts"), entry)
    assert name in str(client.get_trace(span.trace_id).data.spans[0].attributes)
    found = client.search_traces([experiment_id], f"prompt = '{name}/1'")
    assert [each.info.trace_id for each in found] == [span.trace_id]
    assert client.search_traces([experiment_id], f"prompt = '{name}/2'") == []
    assert client.get_run(run.info.run_id).data.tags["mlflow.linkedPrompts"] == entry
    tags = lambda: client.get_logged_model(model.model_id).tags  # noqa: E731
    _soon(lambda: tags().get("mlflow.linkedPrompts"), entry)


@since("3")
def search_prompts() -> None:
    name = _registered(tags={"team": "red"})
    for search in (mlflow.genai.search_prompts, client.search_prompts):
        assert [each.name for each in search(filter_string=f"name = '{name}'")] == [name]
    assert name in {each.name for each in mlflow.genai.search_prompts()}


@since("3")
def search_prompts_of_an_experiment() -> None:
    """An experiment's prompts, as its page shows them: the client links both when a prompt is registered."""
    experiment_id = new_experiment("prompts")
    name = _registered()
    search = f"experiment_id = '{experiment_id}'"
    _soon(lambda: [each.name for each in client.search_prompts(search)], [name])


def set_prompt_alias() -> None:
    name = _registered()
    for version, set_alias in ((1, api.set_prompt_alias), (2, client.set_prompt_alias)):
        if version == 2:
            api.register_prompt(name=name, template="Bye.")
        set_alias(name, alias="live", version=version)
        assert int(api.load_prompt(f"prompts:/{name}@live").version) == version


def delete_prompt_alias() -> None:
    name = _registered()
    for delete in (api.delete_prompt_alias, client.delete_prompt_alias):
        api.set_prompt_alias(name, alias="live", version=1)
        delete(name, alias="live")
        assert _is_missing(f"prompts:/{name}@live")


@since("3")
def set_prompt_tag() -> None:
    name = _registered()
    mlflow.genai.set_prompt_tag(name, "team", "red")
    client.set_prompt_tag(name, "team", "blue")
    assert client.get_prompt(name).tags["team"] == "blue"
    assert mlflow.genai.get_prompt_tags(name)["team"] == "blue"


@since("3")
def get_prompt_tags() -> None:
    assert mlflow.genai.get_prompt_tags(_registered(tags={"a": "b"}))["a"] == "b"


@since("3")
def delete_prompt_tag() -> None:
    name = _registered()
    for delete in (mlflow.genai.delete_prompt_tag, client.delete_prompt_tag):
        client.set_prompt_tag(name, "team", "red")
        delete(name, "team")
        assert "team" not in client.get_prompt(name).tags


@since("3")
def set_prompt_version_tag() -> None:
    name = _registered()
    mlflow.genai.set_prompt_version_tag(name, 1, "a", "1")
    client.set_prompt_version_tag(name, "1", "b", "2")
    tags = client.get_prompt_version(name, "1").tags
    assert (tags["a"], tags["b"]) == ("1", "2"), tags


@since("3")
def delete_prompt_version_tag() -> None:
    name = _registered()
    for delete in (mlflow.genai.delete_prompt_version_tag, client.delete_prompt_version_tag):
        client.set_prompt_version_tag(name, "1", "a", "1")
        delete(name, "1", "a")
        assert "a" not in client.get_prompt_version(name, "1").tags


@since("3")
def set_prompt_model_config() -> None:
    name = _registered()
    mlflow.genai.set_prompt_model_config(name, 1, {"model_name": "small", "max_tokens": 9})
    assert client.get_prompt_version(name, "1").model_config["max_tokens"] == 9


@since("3")
def delete_prompt_model_config() -> None:
    name = _registered(model_config={"model_name": "small"})
    mlflow.genai.delete_prompt_model_config(name, 1)
    assert client.get_prompt_version(name, "1").model_config is None


@since("3")
def create_prompt() -> None:
    name = unique("prompt")
    client.create_prompt(name, description="greets", tags={"a": "b"})
    prompt = client.get_prompt(name)
    assert (prompt.name, prompt.description, prompt.tags["a"]) == (name, "greets", "b"), prompt


@since("3")
def get_prompt() -> None:
    assert client.get_prompt(_registered()).name.startswith("prompt-")
    assert client.get_prompt(unique("none")) is None


@since("3")
def create_prompt_version() -> None:
    name = unique("prompt")
    client.create_prompt(name)
    client.create_prompt_version(name, GREETING, description="first", tags={"a": "b"})
    version = client.get_prompt_version(name, "1")
    assert (version.template, version.commit_message) == (GREETING, "first"), version
    assert version.tags["a"] == "b", version


@since("3")
def get_prompt_version() -> None:
    name = _registered()
    assert client.get_prompt_version(name, 1).template == GREETING
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_prompt_version(name, "7")


@since("3")
def get_prompt_version_by_alias() -> None:
    name = _registered()
    client.set_prompt_alias(name, "live", 1)
    assert client.get_prompt_version_by_alias(name, "live").version == 1


@since("3")
def search_prompt_versions() -> None:
    name = _registered()
    api.register_prompt(name=name, template="Bye.")
    assert sorted(int(each.version) for each in client.search_prompt_versions(name)) == [1, 2]


@since("3")
def delete_prompt_version() -> None:
    name = _registered()
    api.register_prompt(name=name, template="Bye.")
    client.delete_prompt_version(name, "2")
    assert [int(each.version) for each in client.search_prompt_versions(name)] == [1]


def delete_prompt() -> None:
    name = _registered()
    if IS_MLFLOW_2:
        client.delete_prompt(name, 1)
        assert _is_missing(name, version=1)
    else:
        client.delete_prompt(name)
        assert client.get_prompt(name) is None


@since("3")
def link_prompt_versions_to_trace() -> None:
    experiment_id = new_experiment("linked")
    prompts = [client.get_prompt_version(_registered(), "1") for _ in range(2)]
    with mlflow.start_span("ask") as span:
        pass
    client.link_prompt_versions_to_trace(prompts, span.trace_id)
    client.link_prompt_versions_to_trace(prompts[:1], span.trace_id)
    for each in prompts:
        found = client.search_traces([experiment_id], f"prompt = '{each.name}/1'")
        assert [trace.info.trace_id for trace in found] == [span.trace_id]


@since("3")
def link_prompt_version_to_run() -> None:
    name, run_id = _registered(), new_run(client, "linked")
    client.link_prompt_version_to_run(run_id, f"prompts:/{name}/1")
    assert name in client.get_run(run_id).data.tags["mlflow.linkedPrompts"]


@since("3")
def link_prompt_version_to_model() -> None:
    name, experiment_id = _registered(), new_experiment("linked")
    model = client.create_logged_model(experiment_id)
    client.link_prompt_version_to_model(name, "1", model.model_id)
    assert name in client.get_logged_model(model.model_id).tags["mlflow.linkedPrompts"]


@until("3")
def log_prompt() -> None:
    name, run_id = _registered(), new_run(client, "logged")
    client.log_prompt(run_id, f"prompts:/{name}/1")
    assert [each.name for each in client.list_logged_prompts(run_id)] == [name]


def list_logged_prompts() -> None:
    name, run_id = _registered(), new_run(client, "logged")
    _log(name, run_id)
    assert [each.name for each in client.list_logged_prompts(run_id)] == [name]


def detach_prompt_from_run() -> None:
    name, run_id = _registered(), new_run(client, "logged")
    _log(name, run_id)
    client.detach_prompt_from_run(run_id, f"prompts:/{name}/1")
    assert client.list_logged_prompts(run_id) == []
