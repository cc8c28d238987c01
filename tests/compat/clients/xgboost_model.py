"""XGBoost's models, with a format of their own: logged, autologged, registered, loaded by each kind of address."""

import inspect
import warnings

import mlflow
import numpy as np
import xgboost
from mlflow.models import infer_signature
from scenario import new_experiment, unique

warnings.filterwarnings("ignore", category=FutureWarning)
HAS_LOGGED_MODELS = not mlflow.__version__.startswith("2.")
parameters = inspect.signature(mlflow.xgboost.log_model).parameters
path = "name" if "name" in parameters else "artifact_path"

new_experiment("xgboost-model")
x = np.linspace(0, 1, 200).reshape(-1, 1)
settings = {"objective": "reg:squarederror", "max_depth": 2, "eta": 1.0}
booster = xgboost.train(settings, xgboost.DMatrix(x, (x.ravel() > 0.5) * 8.0), num_boost_round=3)
expected = booster.predict(xgboost.DMatrix(x))
registered = unique("boosted")
with mlflow.start_run() as run:
    info = mlflow.xgboost.log_model(
        booster,
        **{path: "model"},
        model_format="json",
        signature=infer_signature(x, expected),
        input_example=x[:2],
        registered_model_name=registered,
        pip_requirements=["xgboost"],
    )

client = mlflow.MlflowClient()
[version] = client.search_model_versions(f"name = '{registered}'")
registered_uri = f"models:/{registered}/{version.version}"
uris = [info.model_uri, f"runs:/{run.info.run_id}/model", registered_uri]
if HAS_LOGGED_MODELS:
    assert info.model_uri == f"models:/{info.model_id}", info.model_uri
for uri in uris:
    loaded = mlflow.xgboost.load_model(uri)
    assert isinstance(loaded, xgboost.Booster), uri
    assert np.allclose(loaded.predict(xgboost.DMatrix(x)), expected), uri
    assert np.allclose(mlflow.pyfunc.load_model(uri).predict(x), expected), uri
files = {f.path for f in mlflow.artifacts.list_artifacts(artifact_uri=info.model_uri)}
assert "model.json" in {each.rpartition("/")[2] for each in files}, files

# Autologging saves the model, its features' importance as a figure and as JSON, and a metric a round.
mlflow.xgboost.autolog(silent=True, importance_types=["weight"])
rounds = 4
with mlflow.start_run() as automatic:
    data = xgboost.DMatrix(x, 2 * x.ravel())
    own = xgboost.train(settings, data, num_boost_round=rounds, evals=[(data, "train")])
run_id = automatic.info.run_id
history = client.get_metric_history(run_id, "train-rmse")
assert [point.step for point in history] == list(range(rounds)), history
found = client.get_run(run_id)
assert found.data.params["max_depth"] == "2", found.data.params
files = {f.path for f in client.list_artifacts(run_id)}
assert {"feature_importance_weight.json", "feature_importance_weight.png"} <= files, files
again = mlflow.xgboost.load_model(f"runs:/{run_id}/model")
assert np.allclose(again.predict(data), own.predict(data))
