"""The tracking methods of GitLab's table of supported methods, one function each, and their counterparts in MlflowClient.

The table: https://docs.gitlab.com/user/project/ml/experiment_tracking/mlflow_client/. What it has
caveats about (directories, artifact paths, filters) is done here without them.
"""

import re
import tempfile
from pathlib import Path

import mlflow
import numpy as np
from matplotlib.figure import Figure
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient
from scenario import new_experiment, new_run, unique

client = MlflowClient()


def _run(name: str) -> str:
    return new_run(client, name)


def _read(run_id: str, path: str) -> str:
    return Path(client.download_artifacts(run_id, path)).read_text()


def _paths(run_id: str, path: str | None = None) -> list[str]:
    return [file.path for file in client.list_artifacts(run_id, path)]


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp())
    (folder / "sub").mkdir()
    (folder / "one.txt").write_text("one")
    (folder / "sub" / "two.txt").write_text("two")
    return folder


def create_experiment() -> None:
    name = unique("made")
    for made in (
        mlflow.create_experiment(name, tags={"a": "b"}),
        client.create_experiment(f"{name}-2"),
    ):
        assert client.get_experiment(made).name.startswith(name)


def get_experiment() -> None:
    made = mlflow.create_experiment(unique("got"), tags={"a": "b"})
    assert mlflow.get_experiment(made).tags == client.get_experiment(made).tags == {"a": "b"}


def get_experiment_by_name() -> None:
    name = unique("named")
    assert mlflow.get_experiment_by_name(name) is None
    made = mlflow.create_experiment(name)
    assert mlflow.get_experiment_by_name(name).experiment_id == made
    assert client.get_experiment_by_name(name).experiment_id == made


def delete_experiment() -> None:
    for delete in (mlflow.delete_experiment, client.delete_experiment):
        made = mlflow.create_experiment(unique("deleted"))
        delete(made)
        assert made not in {found.experiment_id for found in client.search_experiments()}


def set_experiment() -> None:
    name = unique("set")
    made = mlflow.set_experiment(name).experiment_id
    assert mlflow.set_experiment(name).experiment_id == made
    with mlflow.start_run() as run:
        assert run.info.experiment_id == made


def get_run() -> None:
    run_id = _run("got")
    assert mlflow.get_run(run_id).info.run_id == client.get_run(run_id).info.run_id == run_id


def delete_run() -> None:
    for delete in (mlflow.delete_run, client.delete_run):
        run_id = _run("deleted")
        delete(run_id)
        experiment_id = client.get_run(run_id).info.experiment_id
        assert client.search_runs([experiment_id]) == []


def start_run() -> None:
    new_experiment("started")
    with mlflow.start_run() as run:
        assert client.get_run(run.info.run_id).info.status == "RUNNING"
    assert re.fullmatch(r"[a-z]+-[a-z-]+-\d+", run.info.run_name), run.info.run_name
    with mlflow.start_run(run_name="named") as run:
        assert run.info.run_name == "named"


def search_runs() -> None:
    experiments = [client.create_experiment(unique("searched")) for _ in range(2)]
    for experiment, value in zip(experiments * 2, (3, 1, 2, 4), strict=True):
        client.log_metric(client.create_run(experiment).info.run_id, "m", value)
    found = client.search_runs(experiments, "metrics.m > 1", order_by=["metrics.m ASC"])
    assert [run.data.metrics["m"] for run in found] == [2, 3, 4]
    frame = mlflow.search_runs([experiments[0]], order_by=["metrics.m DESC"])
    assert list(frame["metrics.m"]) == [3, 2]


def log_artifact() -> None:
    run_id, folder = _run("artifact"), _folder()
    client.log_artifact(run_id, folder / "one.txt", artifact_path="")
    client.log_artifact(run_id, folder / "one.txt", artifact_path="a/b")
    client.log_artifact(run_id, folder / "sub")
    assert _paths(run_id) == ["a", "one.txt", "sub"]
    with mlflow.start_run(run_id=run_id):
        mlflow.log_artifact(folder / "sub" / "two.txt", "a")
    assert (_read(run_id, "a/b/one.txt"), _read(run_id, "a/two.txt")) == ("one", "two")


def log_artifacts() -> None:
    run_id, folder = _run("artifacts"), _folder()
    client.log_artifacts(run_id, folder)
    with mlflow.start_run(run_id=run_id):
        mlflow.log_artifacts(folder, "below")
    assert _paths(run_id) == ["below", "one.txt", "sub"]
    assert _read(run_id, "below/sub/two.txt") == "two"


def log_batch() -> None:
    run_id = _run("batch")
    points = [Metric("m", value, 1, step) for step, value in enumerate((1.0, 2.0))]
    client.log_batch(run_id, points, [Param("p", "1")], [RunTag("t", "x")])
    data = client.get_run(run_id).data
    assert (data.metrics, data.params, data.tags["t"]) == ({"m": 2.0}, {"p": "1"}, "x")


def log_metric() -> None:
    run_id = _run("metric")
    client.log_metric(run_id, "m", 1.0, step=1)
    with mlflow.start_run(run_id=run_id):
        mlflow.log_metric("m", 2.0, step=2)
        mlflow.log_metric("nan", float("nan"))
    assert client.get_run(run_id).data.metrics["m"] == 2.0
    assert [point.value for point in client.get_metric_history(run_id, "m")] == [1.0, 2.0]


def log_metrics() -> None:
    new_experiment("metrics")
    with mlflow.start_run() as run:
        mlflow.log_metrics({"a": 1.0, "b": 2.0}, step=3)
    assert client.get_run(run.info.run_id).data.metrics == {"a": 1.0, "b": 2.0}


def log_param() -> None:
    run_id = _run("param")
    client.log_param(run_id, "p", 1)
    with mlflow.start_run(run_id=run_id):
        mlflow.log_param("p", 1)
    assert client.get_run(run_id).data.params == {"p": "1"}


def log_params() -> None:
    new_experiment("params")
    with mlflow.start_run() as run:
        mlflow.log_params({"a": 1, "b": "two"})
    assert client.get_run(run.info.run_id).data.params == {"a": "1", "b": "two"}


def log_figure() -> None:
    run_id, figure = _run("figure"), Figure()
    figure.subplots().plot([1, 2, 3])
    client.log_figure(run_id, figure, "plots/my_plot.png")
    assert _paths(run_id, "plots") == ["plots/my_plot.png"]


def log_image() -> None:
    run_id = _run("image")
    client.log_image(run_id, np.zeros((8, 8, 3), dtype=np.uint8), "pictures/image.png")
    assert _paths(run_id, "pictures") == ["pictures/image.png"]


def log_text() -> None:
    run_id = _run("text")
    client.log_text(run_id, "Hello, World!", "a directory/hello (1).txt")
    assert _read(run_id, "a directory/hello (1).txt") == "Hello, World!"


def log_dict() -> None:
    run_id = _run("dict")
    client.log_dict(run_id, {"a": [1, 2]}, "a/my_dict.json")
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/a/my_dict.json") == {"a": [1, 2]}


def set_tag() -> None:
    run_id = _run("tag")
    client.set_tag(run_id, "t", "1")
    with mlflow.start_run(run_id=run_id):
        mlflow.set_tag("t", "2")
    assert client.get_run(run_id).data.tags["t"] == "2"


def set_tags() -> None:
    new_experiment("tags")
    with mlflow.start_run() as run:
        mlflow.set_tags({"a": "1", "b": "2"})
        mlflow.set_tags({"a": "3"})
    tags = client.get_run(run.info.run_id).data.tags
    assert (tags["a"], tags["b"]) == ("3", "2")


def set_terminated() -> None:
    run_id = _run("terminated")
    client.set_terminated(run_id, "FAILED", end_time=5)
    info = client.get_run(run_id).info
    assert (info.status, info.end_time) == ("FAILED", 5)


def end_run() -> None:
    new_experiment("ended")
    run_id = mlflow.start_run().info.run_id
    mlflow.end_run("KILLED")
    assert client.get_run(run_id).info.status == "KILLED"


def update_run() -> None:
    run_id = _run("updated")
    client.update_run(run_id, status="SCHEDULED", name="renamed")
    info = client.get_run(run_id).info
    assert (info.status, info.run_name) == ("SCHEDULED", "renamed")


def list_artifacts() -> None:
    run_id = _run("listed")
    client.log_artifacts(run_id, _folder())
    assert _paths(run_id, "sub") == ["sub/two.txt"]
    listed = mlflow.artifacts.list_artifacts(run_id=run_id)
    assert [(file.path, file.is_dir) for file in listed] == [("one.txt", False), ("sub", True)]


def download_artifacts() -> None:
    run_id = _run("downloaded")
    client.log_artifacts(run_id, _folder())
    everything = Path(mlflow.artifacts.download_artifacts(run_id=run_id))
    assert (everything / "sub" / "two.txt").read_text() == "two"
    assert (Path(client.download_artifacts(run_id, "sub")) / "two.txt").read_text() == "two"
