"""The code of GitLab's documentation for model experiments, as it stands there but for the placeholders.

https://docs.gitlab.com/user/project/ml/experiment_tracking/mlflow_client/ Where it uses a name that it
does not define, the name is defined before it here, and said so.
"""

import os
import tempfile
from pathlib import Path

import mlflow
import mlflow.pyfunc
from scenario import unique
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

your_experiment = unique("your_experiment")
client = mlflow.MlflowClient()

# Creating an experiment
experiment_id = mlflow.create_experiment(name=your_experiment)
mlflow.set_experiment(experiment_name=your_experiment)
assert mlflow.get_experiment(experiment_id).name == your_experiment

# Creating a run
mlflow.set_experiment(experiment_name=your_experiment)
with mlflow.start_run() as run:
    print(run.info.run_id)
assert client.get_run(run.info.run_id).info.experiment_id == experiment_id
assert run.info.run_name
with mlflow.start_run():
    pass

# Logging parameters and metrics
mlflow.set_experiment(experiment_name=your_experiment)
with mlflow.start_run() as run:
    mlflow.log_param(key="param_1", value=1)
    mlflow.log_metric(key="metrics_1", value=1)
    mlflow.log_metric(key="metrics_1", value=2)
data = client.get_run(run.info.run_id).data
assert (data.params, data.metrics) == ({"param_1": "1"}, {"metrics_1": 2.0})
assert [p.value for p in client.get_metric_history(run.info.run_id, "metrics_1")] == [1.0, 2.0]

# Logging artifacts
local = Path(tempfile.mkdtemp()) / "file.txt"
local.write_text("content")
mlflow.set_experiment(experiment_name=your_experiment)
with mlflow.start_run() as run:
    mlflow.log_text("Hello, World!", artifact_file="hello.txt")
    mlflow.log_artifact(local_path=str(local), artifact_path="relative/path")
root = f"runs:/{run.info.run_id}"
assert mlflow.artifacts.load_text(f"{root}/hello.txt") == "Hello, World!"
assert mlflow.artifacts.load_text(f"{root}/relative/path/file.txt") == "content"

# Logging models; X_train and y_train are ours. MLflow 3 makes the model an entity beside the run, which it
# finds again by a name that is not empty, and its client wants to hear that trees are trusted.
X_train, y_train = load_iris(return_X_y=True)
mlflow.set_experiment(experiment_name=your_experiment)
with mlflow.start_run() as run:
    model = RandomForestClassifier(n_estimators=10, random_state=42)
    model.fit(X_train, y_train)
    if mlflow.__version__.startswith("2."):
        path = ""
        mlflow.sklearn.log_model(model, artifact_path="")
    else:
        path = "model"
        trusted = ["sklearn.tree._tree.Tree"]
        mlflow.sklearn.log_model(model, name=path, skops_trusted_types=trusted)

# Loading a run; the documentation does not keep what it loads, and the folder must exist.
run_id = run.info.run_id
download_path = "models"
Path(download_path).mkdir(exist_ok=True)
model = mlflow.pyfunc.load_model(f"runs:/{run_id}/{path}", dst_path=download_path)
sample_input = [[1, 0, 3, 4], [2, 0, 1, 2]]
assert len(model.predict(data=sample_input)) == 2

# Associating a run to a CI/CD job; ``index`` is ours, as are the variables of the job.
os.environ |= {"GITLAB_CI": "true", "CI_JOB_ID": "4711"}
index = 1
with mlflow.start_run(run_name=f"Run {index}") as run:
    if os.getenv("GITLAB_CI"):
        mlflow.set_tag("gitlab.CI_JOB_ID", os.getenv("CI_JOB_ID"))
assert client.get_run(run.info.run_id).info.run_name == "Run 1"
assert client.get_run(run.info.run_id).data.tags["gitlab.CI_JOB_ID"] == "4711"
