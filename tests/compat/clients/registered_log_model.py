"""log_model(registered_model_name=…), and loading what was registered by each kind of `models:/` URI."""

import inspect
import warnings

import mlflow
from mlflow.tracking import MlflowClient
from scenario import REQUIREMENTS, new_experiment, unique
from sklearn.linear_model import LinearRegression

warnings.filterwarnings("ignore", category=FutureWarning)
client = MlflowClient()
name = unique("model")
new_experiment("registered-models")
path = (
    "name" if "name" in inspect.signature(mlflow.sklearn.log_model).parameters else "artifact_path"
)


def train(slope: float, registered: str | None) -> tuple[str, str]:
    """Log a model whose answer to 1 is its slope; return the run's id and the model's URI."""
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, slope])
    with mlflow.start_run() as run:
        logged = mlflow.sklearn.log_model(
            model,
            **{path: "line"},
            registered_model_name=registered,
            pip_requirements=REQUIREMENTS,
        )
    return run.info.run_id, logged.model_uri


def answer(uri: str) -> int:
    """Load a model and return its answer to 1."""
    return round(mlflow.pyfunc.load_model(uri).predict([[1.0]])[0])


first_run, _ = train(1.0, name)
second_run, _ = train(2.0, name)
third_run, third_uri = train(3.0, None)
third = mlflow.register_model(third_uri, name)
fourth = mlflow.register_model(f"runs:/{third_run}/line", name)
found = client.search_model_versions(f"name = '{name}'", order_by=["version_number"])
runs = [version.run_id for version in found]
assert runs == [first_run, second_run, third_run, third_run], runs
one, two, three, four = (version.version for version in found)
assert (three, four) == (third.version, fourth.version)

client.set_registered_model_alias(name, "champion", one)
client.transition_model_version_stage(name, two, "Production")
assert answer(f"models:/{name}/{one}") == 1
assert answer(f"models:/{name}@champion") == 1
assert answer(f"models:/{name}/Production") == 2
assert answer(f"models:/{name}/{three}") == 3
assert answer(f"models:/{name}/latest") == 3

copy = client.copy_model_version(f"models:/{name}@champion", unique("copy"))
assert copy.run_id == first_run or copy.aliases, copy
assert answer(f"models:/{copy.name}/{copy.version}") == 1
