"""The model and registry methods of GitLab's table of supported methods, one function each.

The table: https://docs.gitlab.com/user/project/ml/experiment_tracking/mlflow_client/.
"""

import mlflow
import numpy as np
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from scenario import REQUIREMENTS, new_experiment, new_run, refused, unique
from sklearn.linear_model import LinearRegression

client = MlflowClient()
x = np.arange(20.0).reshape(-1, 1)


def _model() -> str:
    return client.create_registered_model(unique("model"), description="first").name


def _version(name: str) -> str:
    run = client.get_run(new_run(client, "source"))
    return client.create_model_version(name, run.info.artifact_uri, run.info.run_id).version


def _logged() -> str:
    new_experiment("logged")
    model = LinearRegression().fit(x, 3 * x.ravel() + 1)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model,
            "model",
            signature=infer_signature(x, model.predict(x)),
            pip_requirements=REQUIREMENTS,
        )
    return logged.model_uri


def log_model() -> None:
    uri = _logged()
    assert np.allclose(mlflow.sklearn.load_model(uri).predict([[5.0]]), [16.0])


def load_model() -> None:
    uri, name = _logged(), unique("loaded")
    version = mlflow.register_model(uri, name).version
    for each in (uri, f"models:/{name}/{version}", f"models:/{name}/latest"):
        assert np.allclose(mlflow.pyfunc.load_model(each).predict(x[5:6]), [16.0]), each


def create_registered_model() -> None:
    name = unique("created")
    made = client.create_registered_model(name, tags={"a": "b"}, description="first")
    assert (made.name, made.description, made.tags) == (name, "first", {"a": "b"})
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.create_registered_model(name)


def get_registered_model() -> None:
    name = _model()
    assert client.get_registered_model(name).description == "first"
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_registered_model(unique("none"))


def update_registered_model() -> None:
    name = _model()
    client.update_registered_model(name, description="second")
    assert client.get_registered_model(name).description == "second"


def delete_registered_model() -> None:
    name = _model()
    client.delete_registered_model(name)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_registered_model(name)


def create_model_version() -> None:
    name = _model()
    assert int(_version(name)) < int(_version(name))


def get_model_version() -> None:
    name = _model()
    version = _version(name)
    assert client.get_model_version(name, version).version == version


def get_latest_versions() -> None:
    name = _model()
    assert client.get_latest_versions(name) == []
    _version(name)
    newest = _version(name)
    assert [found.version for found in client.get_latest_versions(name)] == [newest]


def update_model_version() -> None:
    name = _model()
    version = _version(name)
    client.update_model_version(name, version, description="second")
    assert client.get_model_version(name, version).description == "second"
