"""MLflow 3's models as entities of their own: logged, listed, loaded by every kind of address, autologged."""

import mlflow
import numpy as np
from mlflow.models import infer_signature
from scenario import REQUIREMENTS, new_experiment, refused
from sklearn.linear_model import LinearRegression

SINCE = "3.0"

experiment_id = new_experiment("sklearn-logged-model")
x = np.arange(20.0).reshape(-1, 1)
model = LinearRegression().fit(x, 3 * x.ravel() + 1)
with mlflow.start_run() as run:
    signature = infer_signature(x, model.predict(x))
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=signature,
        input_example=x[:2],
        pip_requirements=REQUIREMENTS,
    )
assert info.model_uri == f"models:/{info.model_id}", info.model_uri
logged = mlflow.get_logged_model(info.model_id)
assert str(logged.status) == "READY", logged
assert logged.source_run_id == run.info.run_id
assert logged.artifact_location.startswith("mlflow-artifacts:/"), logged.artifact_location

for uri in (info.model_uri, f"runs:/{run.info.run_id}/model"):
    assert np.allclose(mlflow.sklearn.load_model(uri).predict([[5.0]]), [16.0]), uri
    assert np.allclose(mlflow.pyfunc.load_model(uri).predict(x[5:6]), [16.0]), uri
files = {f.path for f in mlflow.artifacts.list_artifacts(artifact_uri=info.model_uri)}
assert {"MLmodel", "requirements.txt"} <= files, files
within = mlflow.MlflowClient().list_logged_model_artifacts(info.model_id)
assert "MLmodel" in {f.path for f in within}, within

# What was a directory's path before is a name, which is not one of several directories.
with refused("INVALID_PARAMETER_VALUE", "Invalid model name ('nested/model') provided."):
    mlflow.sklearn.log_model(model, name="nested/model", signature=signature)

# Outside of a run, and by autolog.
alone = mlflow.sklearn.log_model(
    model, name="alone", signature=signature, pip_requirements=REQUIREMENTS
)
assert np.allclose(mlflow.sklearn.load_model(alone.model_uri).predict([[1.0]]), [4.0])
mlflow.end_run()
mlflow.sklearn.autolog(log_models=True, silent=True)
with mlflow.start_run() as automatic:
    LinearRegression().fit(x, 2 * x.ravel())
[found] = mlflow.search_logged_models(
    experiment_ids=[experiment_id],
    filter_string=f"source_run_id = '{automatic.info.run_id}'",
    output_format="list",
)
assert np.allclose(mlflow.sklearn.load_model(found.model_uri).predict([[4.0]]), [8.0])
