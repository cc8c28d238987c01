"""Evaluation datasets."""

from typing import Any

import mlflow
import pandas as pd
from mlflow.genai import datasets
from mlflow.genai.datasets import EvaluationDataset
from mlflow.tracking import MlflowClient
from scenario import log_traces_synchronously, new_experiment, refused, unique

SINCE = "3"
log_traces_synchronously()
client = MlflowClient()
RECORDS: list[dict[str, Any]] = [
    {"inputs": {"question": "why?"}, "expectations": {"answer": "so"}, "tags": {"a": "b"}},
    {"inputs": {"question": "how?", "ü": [1, None]}},
]


def _dataset(**more: object) -> EvaluationDataset:
    experiment_id = new_experiment("dataset")
    return datasets.create_dataset(unique("dataset"), experiment_id=experiment_id, **more)


def _records(dataset: EvaluationDataset) -> list[dict[str, Any]]:
    """Read a dataset's records again."""
    return datasets.get_dataset(dataset_id=dataset.dataset_id).to_df().to_dict("records")


def create_dataset() -> None:
    experiments = [client.create_experiment(unique("dataset")) for _ in range(2)]
    name = unique("dataset")
    made = datasets.create_dataset(name, experiment_id=experiments, tags={"team": "red"})
    assert (made.name, made.tags["team"]) == (name, "red"), made
    assert sorted(made.experiment_ids) == sorted(experiments), made.experiment_ids
    other = client.create_dataset(unique("dataset"), experiments[0])
    assert client.get_dataset(other.dataset_id).experiment_ids == [experiments[0]]


def get_dataset() -> None:
    made = _dataset()
    assert datasets.get_dataset(dataset_id=made.dataset_id).name == made.name
    assert datasets.get_dataset(name=made.name).dataset_id == made.dataset_id
    assert client.get_dataset(made.dataset_id).name == made.name
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_dataset("d-" + "0" * 32)


def search_datasets() -> None:
    made = _dataset(tags={"team": "red"})
    other = datasets.create_dataset(unique("other"), experiment_id=made.experiment_ids)

    def found(**query: object) -> list[str]:
        return [each.dataset_id for each in datasets.search_datasets(**query)]

    assert sorted(found(experiment_ids=made.experiment_ids)) == sorted(
        [made.dataset_id, other.dataset_id]
    )
    assert found(filter_string=f"name = '{made.name}'") == [made.dataset_id]
    assert found(experiment_ids=made.experiment_ids, filter_string="tags.team = 'red'") == [
        made.dataset_id
    ]
    page = client.search_datasets(made.experiment_ids, max_results=1, order_by=["name ASC"])
    rest = client.search_datasets(
        made.experiment_ids, max_results=1, order_by=["name ASC"], page_token=page.token
    )
    assert [each.name for each in (*page, *rest)] == sorted([made.name, other.name])


def delete_dataset() -> None:
    for delete in (lambda each: datasets.delete_dataset(dataset_id=each), client.delete_dataset):
        made = _dataset().merge_records(RECORDS)
        delete(made.dataset_id)
        with refused("RESOURCE_DOES_NOT_EXIST"):
            client.get_dataset(made.dataset_id)


def set_dataset_tags() -> None:
    made = _dataset(tags={"a": "1"})
    datasets.set_dataset_tags(made.dataset_id, {"a": "2", "b": "3"})
    client.set_dataset_tags(made.dataset_id, {"c": "4"})
    tags = client.get_dataset(made.dataset_id).tags
    assert {key: tags[key] for key in "abc"} == {"a": "2", "b": "3", "c": "4"}


def delete_dataset_tag() -> None:
    made = _dataset(tags={"a": "1", "b": "2"})
    datasets.delete_dataset_tag(made.dataset_id, "a")
    client.delete_dataset_tag(made.dataset_id, "b")
    assert not {"a", "b"} & set(client.get_dataset(made.dataset_id).tags)


def add_dataset_to_experiments() -> None:
    made = _dataset()
    others = [client.create_experiment(unique("more")) for _ in range(2)]
    datasets.add_dataset_to_experiments(made.dataset_id, others[:1])
    added = client.add_dataset_to_experiments(made.dataset_id, others)
    assert sorted(added.experiment_ids) == sorted([*made.experiment_ids, *others])


def remove_dataset_from_experiments() -> None:
    made = _dataset()
    others = [client.create_experiment(unique("more")) for _ in range(2)]
    datasets.add_dataset_to_experiments(made.dataset_id, others)
    datasets.remove_dataset_from_experiments(made.dataset_id, others[:1])
    left = client.remove_dataset_from_experiments(made.dataset_id, others[1:])
    assert left.experiment_ids == made.experiment_ids


def merge_records() -> None:
    """Records by their inputs: the same again changes what is expected, and adds none."""
    made = _dataset()
    made.merge_records(RECORDS)
    made.merge_records(pd.DataFrame([{**RECORDS[0], "expectations": {"answer": "thus"}}]))
    read = {record["inputs"]["question"]: record for record in _records(made)}
    assert set(read) == {"why?", "how?"}
    assert read["why?"]["expectations"] == {"answer": "thus"}, read
    assert read["why?"]["tags"]["a"] == "b", read
    assert read["how?"]["inputs"]["ü"] == [1, None], read


def merge_records_of_traces() -> None:
    """Traces become records: their inputs, and the expectations that were logged about them."""
    made = _dataset()
    with mlflow.start_span("answer") as span:
        span.set_inputs({"question": "why?"})
        span.set_outputs("so")
    mlflow.log_expectation(trace_id=span.trace_id, name="answer", value="because")
    made.merge_records(mlflow.search_traces(made.experiment_ids))
    [record] = _records(made)
    assert record["inputs"] == {"question": "why?"}, record
    assert record["expectations"] == {"answer": "because"}, record
    assert record["source_id"] == span.trace_id, record


def delete_records() -> None:
    made = _dataset().merge_records(RECORDS)
    first, second = (record["dataset_record_id"] for record in _records(made))
    assert made.delete_records([first]) == 1
    assert [record["dataset_record_id"] for record in _records(made)] == [second]


def has_records() -> None:
    """Whether they are loaded: they are read when they are asked for."""
    read = datasets.get_dataset(dataset_id=_dataset().merge_records(RECORDS).dataset_id)
    assert len(read.to_df()) == 2
    assert read.has_records()


def to_df() -> None:
    frame = _dataset().merge_records(RECORDS).to_df()
    assert {"inputs", "expectations", "tags", "dataset_record_id"} <= set(frame.columns), frame


def digest() -> None:
    """A dataset's digest, schema and profile follow its records."""
    made = _dataset()
    before = client.get_dataset(made.dataset_id).digest
    made.merge_records(RECORDS)
    after = client.get_dataset(made.dataset_id)
    assert after.digest != before
    assert "question" in after.schema, after.schema
    assert "2" in after.profile, after.profile
