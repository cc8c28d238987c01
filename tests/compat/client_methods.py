"""Run by a client's Python: print the names of all methods of MLflow's API of tracing and evaluation, as JSON."""

import inspect
import json
import re
import sys

import mlflow
from mlflow import genai
from mlflow.genai import datasets, label_schemas, review_queues, scorers
from mlflow.tracking import MlflowClient

OF_TRACES = re.compile(r"trace|span|assessment|feedback|expectation|dataset|prompt|scorer|session")


def functions(of: object, names: list[str]) -> set[str]:
    """Return those of the names that are functions."""
    return {name for name in names if inspect.isroutine(getattr(of, name))}


fluent = [name for name in vars(mlflow) if not name.startswith("_")]
methods = [name for name in vars(MlflowClient) if not name.startswith("_")]
found = functions(MlflowClient, [name for name in methods if OF_TRACES.search(name)])
found |= {
    name
    for name in functions(mlflow, fluent)
    if getattr(mlflow, name).__module__.startswith("mlflow.tracing")
}
for each in (mlflow.tracing, genai, datasets, label_schemas, review_queues, scorers):
    found |= functions(each, each.__all__)
for kind in (scorers.Scorer, datasets.EvaluationDataset):
    found |= {
        name
        for name, member in vars(kind).items()
        if inspect.isfunction(member) and not name.startswith(("_", "model_"))
    }
json.dump(sorted(found), sys.stdout)
