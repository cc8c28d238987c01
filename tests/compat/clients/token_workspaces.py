"""Workspaces: made, listed, changed, chosen, and apart from each other in everything; the default one is the root's."""

import os
import tempfile
import threading
from pathlib import Path

import mlflow
from mlflow.entities.workspace import WorkspaceDeletionMode
from mlflow.tracking import MlflowClient
from scenario import refused, unique

SINCE = "3.10"

client = MlflowClient()
one, other = unique("one"), unique("other")

made = mlflow.create_workspace(one, description="the first")
assert (made.name, made.description) == (one, "the first")
mlflow.create_workspace(other)
with refused("RESOURCE_ALREADY_EXISTS", one):
    mlflow.create_workspace(one)
with refused("INVALID_PARAMETER_VALUE"):
    mlflow.create_workspace(unique("elsewhere"), default_artifact_root="s3://bucket/root")
assert {one, other, "default"} <= {each.name for each in mlflow.list_workspaces()}
assert mlflow.update_workspace(one, description="changed").description == "changed"
assert mlflow.get_workspace(one).description == "changed"
with refused("RESOURCE_DOES_NOT_EXIST", "not found"):
    mlflow.get_workspace(unique("none"))


def log(word: str) -> str:
    """Log a run with an artifact and register a model, all under one name; return the run's id."""
    mlflow.set_experiment("shared name")
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1.0)
        mlflow.set_tag("word", word)
        mlflow.log_text(word, "folder/word.txt")
    client.create_registered_model("shared name", description=word)
    source = f"{run.info.artifact_uri}/folder"
    client.create_model_version("shared name", source, run.info.run_id)
    return run.info.run_id


def read(run_id: str) -> str:
    """Read the run's artifact back, by listing and by downloading a folder."""
    assert [each.path for each in client.list_artifacts(run_id, "folder")] == ["folder/word.txt"]
    with tempfile.TemporaryDirectory() as folder:
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="folder", dst_path=folder)
        return (Path(folder) / "folder" / "word.txt").read_text()


runs = {}
for name in (one, other):
    mlflow.set_workspace(name)
    runs[name] = log(name)
for name, stranger in ((one, other), (other, one)):
    mlflow.set_workspace(name)
    assert read(runs[name]) == name
    found = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert [run.info.run_id for run in found] == [runs[name]]
    assert client.get_registered_model("shared name").description == name
    with tempfile.TemporaryDirectory() as folder:
        loaded = mlflow.artifacts.download_artifacts("models:/shared name/1", dst_path=folder)
        assert (Path(loaded) / "word.txt").read_text() == name
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_run(runs[stranger])
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.log_metric(runs[stranger], "m", 2.0)

# Threads inherit the workspace, and the environment variable chooses one as well.
seen: list[str] = []
thread = threading.Thread(target=lambda: seen.append(client.get_run(runs[other]).info.run_id))
thread.start()
thread.join()
assert seen == [runs[other]]
mlflow.set_workspace(None)
os.environ["MLFLOW_WORKSPACE"] = one
assert client.get_run(runs[one]).data.tags["word"] == one
del os.environ["MLFLOW_WORKSPACE"]

mlflow.set_workspace("default")
with refused("RESOURCE_DOES_NOT_EXIST"):
    client.get_run(runs[one])
assert client.get_experiment("0").name == "Default"
mlflow.set_workspace(unique("none"))
with refused("RESOURCE_DOES_NOT_EXIST", "not found"):
    client.search_experiments()
mlflow.set_workspace(None)
with refused("RESOURCE_DOES_NOT_EXIST"):
    client.get_run(runs[one])

with refused("RESOURCE_CONFLICT", "still contains experiments, runs, registered models"):
    mlflow.delete_workspace(one)
with refused("INVALID_PARAMETER_VALUE"):
    mlflow.delete_workspace("default")
with refused("NOT_IMPLEMENTED"):
    mlflow.delete_workspace(one, mode=WorkspaceDeletionMode.SET_DEFAULT)
mlflow.delete_workspace(one, mode=WorkspaceDeletionMode.CASCADE)
assert one not in {each.name for each in mlflow.list_workspaces()}
with refused("RESOURCE_DOES_NOT_EXIST"):
    mlflow.delete_workspace(one)
mlflow.set_workspace(one)
with refused("RESOURCE_DOES_NOT_EXIST"):
    client.get_run(runs[one])
mlflow.set_workspace(None)
# The name is free again, and what it means is new.
mlflow.create_workspace(one)
mlflow.set_workspace(one)
assert [each.name for each in client.search_experiments()] == ["Default"]
mlflow.set_workspace(None)
mlflow.delete_workspace(one)
