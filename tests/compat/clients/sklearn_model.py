"""``mlflow.sklearn.log_model`` and ``load_model`` by ``runs:/``, as MLflow 2 does it: files of the run.

From MLflow 3 on models are entities of their own; that is another scenario.
"""

import mlflow
import numpy as np
from mlflow.models import infer_signature
from scenario import new_experiment
from sklearn.linear_model import LinearRegression

if int(mlflow.__version__.split(".")[0]) == 2:
    new_experiment("sklearn-model")
    x = np.arange(20.0).reshape(-1, 1)
    model = LinearRegression().fit(x, 3 * x.ravel() + 1)
    with mlflow.start_run() as run:
        for path in ("model", "nested/model"):
            mlflow.sklearn.log_model(
                model, path, signature=infer_signature(x, model.predict(x)), input_example=x[:2]
            )
    for path in ("model", "nested/model"):
        uri = f"runs:/{run.info.run_id}/{path}"
        loaded = mlflow.sklearn.load_model(uri)
        assert np.allclose(loaded.predict([[5.0]]), [16.0]), uri
        assert np.allclose(mlflow.pyfunc.load_model(uri).predict(x[5:6]), [16.0]), uri
    files = {f.path for f in mlflow.MlflowClient().list_artifacts(run.info.run_id, "model")}
    assert {"model/MLmodel", "model/model.pkl", "model/requirements.txt"} <= files, files
