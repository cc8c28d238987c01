"""``mlflow.sklearn.log_model``, autolog and ``load_model`` by ``runs:/``, as scripts for MLflow 2 do it.

There a model is a directory of its run, at any depth; since MLflow 3 what was a path is a model's name.
"""

import mlflow
import numpy as np
from mlflow.models import infer_signature
from scenario import REQUIREMENTS, new_experiment
from sklearn.linear_model import LinearRegression

PATHS = ("model", "nested/model") if mlflow.__version__.startswith("2.") else ("model",)

new_experiment("sklearn-model")
x = np.arange(20.0).reshape(-1, 1)
model = LinearRegression().fit(x, 3 * x.ravel() + 1)
with mlflow.start_run() as run:
    for path in PATHS:
        mlflow.sklearn.log_model(
            model,
            path,
            signature=infer_signature(x, model.predict(x)),
            input_example=x[:2],
            pip_requirements=REQUIREMENTS,
        )
for path in PATHS:
    uri = f"runs:/{run.info.run_id}/{path}"
    loaded = mlflow.sklearn.load_model(uri)
    assert np.allclose(loaded.predict([[5.0]]), [16.0]), uri
    assert np.allclose(mlflow.pyfunc.load_model(uri).predict(x[5:6]), [16.0]), uri
files = {f.path for f in mlflow.MlflowClient().list_artifacts(run.info.run_id, "model")}
assert {"model/MLmodel", "model/requirements.txt"} <= files, files

# In the root of a run; MLflow 3 lets the server name such a model.
with mlflow.start_run() as run:
    info = mlflow.sklearn.log_model(
        model,
        artifact_path="",
        signature=infer_signature(x, model.predict(x)),
        pip_requirements=REQUIREMENTS,
    )
uri = f"runs:/{run.info.run_id}/" if mlflow.__version__.startswith("2.") else info.model_uri
assert np.allclose(mlflow.sklearn.load_model(uri).predict([[5.0]]), [16.0])
assert np.allclose(mlflow.pyfunc.load_model(uri).predict(x[5:6]), [16.0])
files = {f.path for f in mlflow.artifacts.list_artifacts(artifact_uri=uri)}
assert {"MLmodel", "requirements.txt"} <= files, files

mlflow.sklearn.autolog(log_models=True, silent=True)
with mlflow.start_run() as automatic:
    LinearRegression().fit(x, 2 * x.ravel())
loaded = mlflow.sklearn.load_model(f"runs:/{automatic.info.run_id}/model")
assert np.allclose(loaded.predict([[4.0]]), [8.0])
