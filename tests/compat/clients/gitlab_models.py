"""The code of GitLab's documentation for the model registry, as it stands there but for the placeholders.

https://docs.gitlab.com/user/project/ml/experiment_tracking/mlflow_client/ Where it uses a name that it
does not define, or has a slip, that is mended here and said so.
"""

import os
import tempfile
from pathlib import Path

import mlflow
import mlflow.pyfunc
import numpy as np
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from scenario import refused, unique
from sklearn.linear_model import LinearRegression

client = MlflowClient()
model_name = unique("your_model_name")

# Creating a model
description = "Model description"
model = client.create_registered_model(model_name, description=description)
assert (model.name, model.description) == (model_name, description)
with refused("RESOURCE_ALREADY_EXISTS"):
    client.create_registered_model(model_name)
experiment_name = unique("an experiment")
client.create_experiment(experiment_name)
with refused("RESOURCE_ALREADY_EXISTS"):
    client.create_registered_model(experiment_name)

# Fetching a model
model = client.get_registered_model(model_name)
assert model.description == description

# Updating a model
description = "New description"
client.update_registered_model(model_name, description=description)
assert client.get_registered_model(model_name).description == description

# Logging runs to a model
exp = client.get_experiment_by_name(f"[model]{model_name}")
run = client.create_run(exp.experiment_id)
assert run.info.experiment_id == exp.experiment_id

# Creating a model version
description = "Model version description"
model_version = client.create_model_version(model_name, source="", description=description)
assert model_version.description == description
assert model_version.aliases == ["1.0.0"]
assert model_version.version.isdecimal()

# Without a version, the last one goes up
assert client.create_model_version(model_name, source="").aliases == ["1.0.1"]

# Creating a model version of a given version; the documentation does not define ``description`` here.
version = "1.2.0"
tags = {"gitlab.version": version}
client.create_model_version(model_name, version, description=description, tags=tags)
with refused("INVALID_PARAMETER_VALUE", "Version has already been taken"):
    client.create_model_version(model_name, version, description=description, tags=tags)
with refused("INVALID_PARAMETER_VALUE", "Version must be semantic version"):
    client.create_model_version(model_name, "", tags={"gitlab.version": "v1"})

# Updating a model version
description = "New description"
client.update_model_version(model_name, version, description=description)

# Fetching a model version
assert client.get_model_version(model_name, version).description == description

# Getting the latest versions of a model
client.create_model_version(model_name, "", tags={"gitlab.version": "1.1.9"})
[latest] = client.get_latest_versions(model_name)
assert latest.aliases == [version]

# Logging metrics and parameters to a model version; the lists are ours.
metric_list, param_list = [Metric("m", 2.0, 1, 0)], [Param("q", "2")]
tag_list = [RunTag("t", "3")]
model_version = client.get_model_version(model_name, version)
run_id = model_version.run_id
client.log_metric(run_id, "metric_name", 0.5)
client.log_param(run_id, "param_name", "param_value")
client.log_batch(run_id, metric_list, param_list, tag_list)
data = client.get_run(run_id).data
assert data.metrics == {"metric_name": 0.5, "m": 2.0}
assert data.params == {"param_name": "param_value", "q": "2"}
assert data.tags["t"] == "3"

# Logging artifacts to a model version; what is logged is ours.
local = Path(tempfile.mkdtemp()) / "file.txt"
local.write_text("content")
figure, my_dict, image = Figure(), {"a": [1, 2]}, np.zeros((8, 8, 3), dtype=np.uint8)
model_version = client.get_model_version(model_name, version)
run_id = model_version.run_id
client.log_artifact(run_id, local, artifact_path="")
client.log_figure(run_id, figure, artifact_file="my_plot.png")
client.log_dict(run_id, my_dict, artifact_file="my_dict.json")
client.log_image(run_id, image, artifact_file="image.png")
listed = [file.path for file in client.list_artifacts(run_id)]
assert listed == ["file.txt", "image.png", "my_dict.json", "my_plot.png"]

# Loading a model version. The model is ours; the documentation's search lacks the f of its f-string,
# and calls what it found ``latest_version`` later on.
x = np.arange(20.0).reshape(-1, 1)


def log_model_of(factor: float) -> str:
    """Make the next version, whose model multiplies."""
    folder = tempfile.mkdtemp()
    mlflow.sklearn.save_model(LinearRegression().fit(x, factor * x.ravel()), f"{folder}/model")
    made = client.create_model_version(model_name, source="")
    client.log_artifacts(made.run_id, f"{folder}/model")
    return made.aliases[0]


version = log_model_of(2.0)  # for example: '1.0.0'
assert version == "1.2.1"
log_model_of(3.0)
model = mlflow.pyfunc.load_model(f"models:/{model_name}/{version}")
assert np.allclose(model.predict(x[5:6]), [10.0])
found = mlflow.search_registered_models(filter_string=f"name='{model_name}'")[0]
latest_version = found.latest_versions[0].version
model = mlflow.pyfunc.load_model(f"models:/{model_name}/{latest_version}")
assert np.allclose(model.predict(x[5:6]), [15.0])
model = mlflow.pyfunc.load_model(f"models:/{model_name}/latest")
assert np.allclose(model.predict(x[5:6]), [15.0])
model = mlflow.pyfunc.load_model(f"models:/{model_name}@{version}")
assert np.allclose(model.predict(x[5:6]), [10.0])

# Linking a model version to a CI/CD job; the variables of the job are ours.
os.environ |= {"GITLAB_CI": "true", "CI_JOB_ID": "4711"}
model_version = client.get_model_version(model_name, "1.2.0")
run_id = model_version.run_id
if os.getenv("GITLAB_CI"):
    client.set_tag(model_version.run_id, "gitlab.CI_JOB_ID", os.getenv("CI_JOB_ID"))
assert client.get_run(run_id).data.tags["gitlab.CI_JOB_ID"] == "4711"

# Deleting a model
client.delete_registered_model(model_name)
with refused("RESOURCE_DOES_NOT_EXIST"):
    client.get_registered_model(model_name)
assert client.get_experiment_by_name(f"[model]{model_name}") is None
