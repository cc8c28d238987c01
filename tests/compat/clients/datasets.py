"""Datasets as inputs of runs: logged once for an experiment, with their tags, and searchable."""

import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient
from scenario import new_experiment

experiment = new_experiment("datasets")
client = MlflowClient()
frame = pd.DataFrame({"x": [1, 2, 3], "y": [0.1, 0.2, 0.3]})
train = mlflow.data.from_pandas(
    frame, source="https://example.com/train.csv", name="train", targets="y"
)
test = mlflow.data.from_pandas(frame.head(1), source="https://example.com/test.csv", name="test")

with mlflow.start_run() as first:
    mlflow.log_input(train, context="training", tags={"fold": "1"})
    mlflow.log_input(test, context="evaluation")
with mlflow.start_run() as second:
    mlflow.log_input(train, context="validation")
    mlflow.log_input(train, context="validation")

inputs = client.get_run(first.info.run_id).inputs.dataset_inputs
seen = {
    each.dataset.name: (each.dataset.digest, {tag.key: tag.value for tag in each.tags})
    for each in inputs
}
assert seen == {
    "train": (train.digest, {"mlflow.data.context": "training", "fold": "1"}),
    "test": (test.digest, {"mlflow.data.context": "evaluation"}),
}, seen
loaded = next(each.dataset for each in inputs if each.dataset.name == "train")
assert loaded.source_type == "http", loaded
assert "https://example.com/train.csv" in loaded.source, loaded
assert '"mlflow_colspec"' in loaded.schema, loaded.schema
assert '"num_rows": 3' in loaded.profile, loaded.profile
assert mlflow.data.get_source(loaded).url == "https://example.com/train.csv"

again = client.get_run(second.info.run_id).inputs.dataset_inputs
assert [each.dataset.name for each in again] == ["train"], again


def found(filter_string: str) -> set[str]:
    """Search and return the ids of the runs found."""
    return {run.info.run_id for run in client.search_runs([experiment], filter_string)}


both = {first.info.run_id, second.info.run_id}
assert found("dataset.name = 'train'") == both
assert found("dataset.name = 'test'") == {first.info.run_id}
assert found("datasets.name LIKE 't%'") == both
assert found(f"dataset.digest = '{test.digest}'") == {first.info.run_id}
assert found("dataset.context = 'validation'") == {second.info.run_id}
assert found("dataset.name = 'nothing'") == set()
