"""GitLab's own client, gitlab-mlops 0.3.0: everything that it offers, and the errors that it tells apart."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitlab_mlops import Client
from gitlab_mlops.mlflow.exceptions import (
    AlreadyExistsException,
    MaxRetriesException,
    NotFoundException,
    UnauthorizedException,
)
from mlflow.tracking import MlflowClient
from scenario import unique


@contextmanager
def raises(expected: type[Exception]) -> Iterator[None]:
    """Expect an exception of exactly this type."""
    try:
        yield
    except Exception as error:
        assert type(error) is expected, f"expected {expected.__name__}, got {error!r}"
    else:
        message = f"expected {expected.__name__}, but the call succeeded"
        raise AssertionError(message)


def paths(run_id: str) -> list[str]:
    """List a run's files with MLflow's client."""
    return [file.path for file in MlflowClient().list_artifacts(run_id)]


folder = Path(tempfile.mkdtemp())
(folder / "one.txt").write_text("one")
client = Client()

# Experiments
name = unique("gitlab experiment")
experiment = client.create_experiment(name, tags={"a": "b"})
with raises(AlreadyExistsException):
    client.create_experiment(name)
found = client.get_experiment(name)
assert (found.id, found.name, found.tags) == (experiment.id, name, {"a": "b"})
assert client.get_experiment(unique("none")) is None

# Runs
run = found.create_run()
run.log_param("p", 1)
run.log_metric("m", 0.5)
run.log_metric("m", 0.75, timestamp=1795377916081, step=1)
run.log_artifact(str(folder / "one.txt"))
run.log_artifact(str(folder / "one.txt"), "below/it")
run.log_text("Hello", "hello.txt")
read = client.get_run(run.id)
assert (read.get_params(), read.get_metrics()) == ({"p": "1"}, {"m": 0.75})
assert paths(run.id) == ["below", "hello.txt", "one.txt"]
assert client.get_run("0" * 32) is None
assert client.get_run("0a1dffc6-5a3e-4bdf-a291-ffae8c6101ee") is None

# Models
name = unique("gitlab-model")
model = client.create_model(name, description="first")
with raises(AlreadyExistsException):
    client.create_model(name)
assert client.get_model(name).description == "first"
assert client.get_model(unique("none")) is None
assert model.get_latest_version() is None
assert model.get_experiment().name == f"[model]{name}"

# Versions
first = model.create_version(description="one", tags={"a": "b"})
assert (first.version, first.description, first.tags["a"]) == ("1.0.0", "one", "b")
second = model.create_version(version="2.0.0-rc.1")
with raises(AlreadyExistsException):
    model.create_version(version="2.0.0-rc.1")
with raises(ValueError):
    model.create_version(version="v3")
assert model.get_latest_version().version == "2.0.0-rc.1"
assert model.create_version(version="1.9.0").version == "1.9.0"
assert model.get_latest_version().version == "2.0.0-rc.1"
second.log_param("p", "x")
second.log_metric("m", 1.5, step=2)
second.log_artifact(str(folder / "one.txt"))
second.log_artifacts(str(folder), "all")
second.log_text("How to run this model", "README.md")
read = client.get_model_version(name, "2.0.0-rc.1")
assert (read.run_id, read.get_params(), read.get_metrics()) == (
    second.run_id,
    {"p": "x"},
    {"m": 1.5},
)
assert paths(read.run_id) == ["README.md", "all", "one.txt"]
with raises(NotFoundException):
    client.get_model_version(name, "9.9.9")
with raises(NotFoundException):
    client.get_model_version(unique("none"), "1.0.0")

# A run becomes a version
candidate = model.get_experiment().create_run()
candidate.log_metric("m", 3.0)
promoted = model.create_version(version="3.0.0", run_id=candidate.id)
assert (promoted.run_id, promoted.get_metrics()) == (candidate.id, {"m": 3.0})

# In a CI job
os.environ |= {"GITLAB_CI": "true", "CI_JOB_ID": "4711"}
assert model.create_version(version="3.1.0").tags["gitlab.CI_JOB_ID"] == "4711"
assert client.get_model_version(name, "3.1.0").tags["gitlab.CI_JOB_ID"] == "4711"

# Credentials and addresses
uri, token = os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_TRACKING_TOKEN"]
with raises(UnauthorizedException):
    Client(gitlab_token="glpat-" + "x" * 20).create_experiment(unique("refused"))
hidden = uri.replace("/projects/", "/projects/9999")
with raises(NotFoundException):
    Client(hidden, token).create_experiment(unique("hidden"))
with raises(MaxRetriesException):
    Client("http://127.0.0.1:9/api/v4/projects/1/ml/mlflow", token).create_experiment("away")
for wrong in (("http://127.0.0.1/ml/mlflow", token), (uri, "short")):
    with raises(ValueError):
        Client(*wrong)
