"""A scikit-learn training with autologging: params, metrics, tags, datasets, and a grid search's child runs."""

import tempfile
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient
from scenario import unique
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

# This script is not about artifacts: no models, and the plots, which autologging makes unasked, go to a local folder.
mlflow.sklearn.autolog(log_models=False)
plots = tempfile.TemporaryDirectory()
experiment = mlflow.create_experiment(
    unique("sklearn-training"), artifact_location=Path(plots.name).as_uri()
)
mlflow.set_experiment(experiment_id=experiment)
client = MlflowClient()


def classifier() -> None:
    """A plain `fit` inside a run of our own."""
    features, labels = load_iris(return_X_y=True, as_frame=True)
    with mlflow.start_run(run_name="iris") as active:
        DecisionTreeClassifier(max_depth=3, random_state=7).fit(features, labels)
    run = client.get_run(active.info.run_id)
    assert run.info.status == "FINISHED", run.info
    assert run.info.run_name == "iris", run.info
    assert run.info.end_time >= run.info.start_time > 0, run.info
    assert run.data.params["max_depth"] == "3", run.data.params
    assert run.data.params["random_state"] == "7", run.data.params
    assert 0.9 < run.data.metrics["training_accuracy_score"] <= 1.0, run.data.metrics
    assert run.data.metrics["training_score"] == run.data.metrics["training_accuracy_score"]
    assert run.data.tags["estimator_name"] == "DecisionTreeClassifier", run.data.tags
    assert run.data.tags["mlflow.source.type"] == "LOCAL", run.data.tags
    datasets = [
        (each.dataset.name, {tag.key: tag.value for tag in each.tags})
        for each in run.inputs.dataset_inputs
    ]
    assert datasets == [("dataset", {"mlflow.data.context": "train"})], datasets


def grid_search() -> None:
    """Autologging makes a child run for each parameter set, through batches of its own client."""
    features, target = load_diabetes(return_X_y=True)
    with mlflow.start_run(run_name="ridge") as active:
        GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=3).fit(features, target)
    parent = client.get_run(active.info.run_id)
    assert parent.data.params["best_alpha"] == "0.1", parent.data.params
    assert "best_cv_score" in parent.data.metrics, parent.data.metrics
    children = client.search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    alphas = sorted(child.data.params["alpha"] for child in children)
    assert alphas == ["0.1", "1.0", "10.0"], alphas
    assert all(child.info.status == "FINISHED" for child in children), children
    assert all("mean_test_score" in child.data.metrics for child in children), children


with plots:
    classifier()
    grid_search()
