"""Evaluation datasets: made, found, tagged, linked, filled from dictionaries, data frames and traces, and deleted."""

import json

import mlflow
import pandas as pd
from mlflow.genai import datasets
from mlflow.tracking import MlflowClient
from scenario import new_experiment, refused, unique

SINCE = "3.4"

client = MlflowClient()
experiment_id = new_experiment("evaluation-datasets")
other_id = client.create_experiment(unique("evaluation-datasets"))
name = unique('question\'s "ü"')

made = datasets.create_dataset(name, experiment_id=[experiment_id], tags={"team": "red", "n": "1"})
assert made.dataset_id.startswith("d-"), made.dataset_id
assert made.tags["team"] == "red", made.tags
assert made.created_by == made.tags["mlflow.user"], made.created_by
assert made.experiment_ids == [experiment_id], made.experiment_ids
assert (made.schema, made.profile) == (None, None), made
found = datasets.get_dataset(dataset_id=made.dataset_id)
assert (found.name, found.digest) == (name, made.digest), found
assert found.experiment_ids == [experiment_id], found.experiment_ids
assert found.to_df().empty
in_current = datasets.create_dataset(unique("current"))
assert in_current.experiment_ids == [experiment_id], in_current.experiment_ids

# Records.
made.merge_records(
    [
        {"inputs": {"question": "Who digs?"}, "expectations": {"answer": "Rabbits.", "score": 1}},
        {"inputs": {"question": "Where?", "ü": [1, 2.5, None]}, "outputs": "Below."},
        {"inputs": {"question": "Who digs?"}, "expectations": {"score": 2}, "tags": {"k": "v"}},
    ]
)
made.merge_records(
    pd.DataFrame(
        {
            "inputs": [{"question": "Where?", "ü": [1, 2.5, None]}, {"question": "When?"}],
            "expectations": [{"answer": "Below."}, {"answer": "At night."}],
        }
    )
)
frame = made.to_df()
assert [each["question"] for each in frame["inputs"]] == ["Who digs?", "Where?", "When?"], frame
assert list(frame["expectations"]) == [
    {"answer": "Rabbits.", "score": 2},
    {"answer": "Below."},
    {"answer": "At night."},
], frame
assert list(frame["source_type"]) == ["HUMAN", "CODE", "HUMAN"], frame
assert frame["tags"][0]["k"] == "v", frame
assert frame["outputs"][1] == "Below.", frame

with mlflow.start_span("ask") as span:
    span.set_inputs({"question": "Why?"})
    span.set_outputs({"answer": "Foxes."})
mlflow.flush_trace_async_logging()
trace = mlflow.get_trace(span.trace_id)
made.merge_records([trace])
made.merge_records(mlflow.search_traces(locations=[experiment_id]))
record = made.to_df().iloc[3]
assert record["inputs"] == {"question": "Why?"}, record
assert record["outputs"] == {"answer": "Foxes."}, record
assert (record["source_type"], record["source_id"]) == ("TRACE", span.trace_id), record

found = datasets.get_dataset(name=name)
assert found.digest != made.digest, found
assert found.last_update_time > found.created_time, found
assert json.loads(found.profile) == {"num_records": 4}, found.profile
schema = json.loads(found.schema)
assert schema["inputs"] == {"question": "string", "ü": "array"}, schema
assert schema["expectations"] == {"answer": "string", "score": "integer"}, schema

ids = list(made.to_df()["dataset_record_id"])
assert made.delete_records(ids[:2]) == 2
assert made.delete_records(ids[:2]) == 0
assert list(made.to_df()["dataset_record_id"]) == ids[2:]
assert json.loads(datasets.get_dataset(dataset_id=made.dataset_id).profile) == {"num_records": 2}

# More records than a page or a message holds.
many = [{"inputs": {"n": number}, "outputs": "x" * 1000} for number in range(2500)]
in_current.merge_records(many)
in_current.merge_records(many[:10])
frame = in_current.to_df()
assert [each["n"] for each in frame["inputs"]] == list(range(2500)), len(frame)
profile = datasets.get_dataset(dataset_id=in_current.dataset_id).profile
assert json.loads(profile) == {"num_records": 2500}, profile

# Session records, whose rules the client checks by the schema.
sessions = datasets.create_dataset(unique("sessions"))
sessions.merge_records([{"inputs": {"persona": "student", "goal": "learn"}}])
with refused("INVALID_PARAMETER_VALUE", "granularity"):
    sessions.merge_records([{"inputs": {"question": "What?"}}])


def names(filter_string, **more):
    return [each.name for each in datasets.search_datasets(filter_string=filter_string, **more)]


# Searches.
ours = {"experiment_ids": [experiment_id]}
assert names("created_time > 0", **ours) == [sessions.name, in_current.name, name]
assert (
    names("created_time > 0", order_by=["name"], max_results=2, **ours)
    == sorted([sessions.name, in_current.name, name])[:2]
)
assert names('name LIKE "question%"', **ours) == [name]
assert names("tags.team = 'red'", **ours) == [name]
assert names("tags.team = 'red'", experiment_ids=[other_id]) == []
assert name in [each.name for each in datasets.search_datasets()]
page = client.search_datasets(experiment_ids=[experiment_id], max_results=2)
assert [each.name for each in page] == [sessions.name, in_current.name], page
page = client.search_datasets([experiment_id], max_results=2, page_token=page.token)
assert [each.name for each in page] == [name], page
assert not page.token
with refused("INVALID_PARAMETER_VALUE"):
    names("metrics.x > 1")

# Tags and experiments.
datasets.set_dataset_tags(made.dataset_id, {"team": "blue", "n": None, "flag": True})
datasets.delete_dataset_tag(made.dataset_id, "flag")
tags = datasets.get_dataset(dataset_id=made.dataset_id).tags
assert {key: tags.get(key) for key in ("team", "n", "flag")} == {
    "team": "blue",
    "n": None,
    "flag": None,
}, tags
datasets.add_dataset_to_experiments(made.dataset_id, [other_id, experiment_id])
assert datasets.get_dataset(dataset_id=made.dataset_id).experiment_ids == [experiment_id, other_id]
assert names("tags.team = 'blue'", experiment_ids=[other_id]) == [name]
with refused("RESOURCE_DOES_NOT_EXIST"):
    datasets.add_dataset_to_experiments(made.dataset_id, ["987654321"])
datasets.remove_dataset_from_experiments(made.dataset_id, [experiment_id])
assert datasets.get_dataset(dataset_id=made.dataset_id).experiment_ids == [other_id]

# It can be an input of a run, where it is found by its digest.
with mlflow.start_run() as run:
    mlflow.log_input(found, context="evaluation")
(logged,) = client.get_run(run.info.run_id).inputs.dataset_inputs
assert (logged.dataset.name, logged.dataset.digest) == (name, found.digest), logged

for each in (made, in_current, sessions):
    datasets.delete_dataset(dataset_id=each.dataset_id)
assert names("created_time > 0", **ours) == []
with refused("RESOURCE_DOES_NOT_EXIST"):
    datasets.get_dataset(dataset_id=made.dataset_id)
with refused("INVALID_PARAMETER_VALUE", "Dataset not found"):
    made.merge_records([{"inputs": {"question": "Who?"}}])
