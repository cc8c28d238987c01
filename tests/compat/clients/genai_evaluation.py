"""Evaluations: their runs, traces, assessments and metrics."""

from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Feedback
from mlflow.genai import datasets
from mlflow.genai.scorers import RegexMatch, scorer
from mlflow.tracking import MlflowClient
from scenario import log_traces_synchronously, new_experiment, unique

SINCE = "3"
log_traces_synchronously()
client = MlflowClient()
DATA = [
    {"inputs": {"question": "Is it 1?"}, "expectations": {"answer": "yes: Is it 1?"}},
    {"inputs": {"question": "Is it 2?"}, "expectations": {"answer": "no"}},
]


@scorer(name="right")
def _right(outputs: str, expectations: dict[str, str]) -> bool:
    """Compare with what is expected."""
    return outputs == expectations["answer"]


@scorer(name="length")
def _length(inputs: dict[str, str], outputs: str) -> Feedback:
    """Say why, too."""
    return Feedback(value=len(outputs), rationale=f"of {inputs['question']}")


@scorer(name="spans")
def _spans(trace: Any) -> int:
    """Look at the trace."""
    return len(trace.data.spans)


@scorer(name="broken")
def _broken(outputs: str) -> bool:
    """Fail."""
    message = f"can't judge {outputs}"
    raise ValueError(message)


@mlflow.trace(name="answer")
def _answer(question: str) -> str:
    """Answer a question, with a span inside."""
    with mlflow.start_span("look up", span_type="RETRIEVER"):
        return f"yes: {question}"


def _check(result: Any, experiment_id: str, expected: int = 2) -> list[Any]:
    """Check the run of an evaluation and return its traces, the oldest first."""
    run = client.get_run(result.run_id)
    assert run.info.status == "FINISHED", run.info
    traces = client.search_traces(
        [experiment_id], f"run_id = '{result.run_id}'", order_by=["timestamp_ms ASC"]
    )
    assert len(traces) == expected, traces
    logged = {key: value for key, value in run.data.metrics.items() if key in result.metrics}
    assert logged == result.metrics, (run.data.metrics, result.metrics)
    return list(traces)


def _values(trace: Any) -> dict[str, Any]:
    return {each.name: each.value for each in trace.info.assessments}


def evaluate() -> None:
    """Data as dictionaries, with a function that predicts and traces."""
    experiment_id = new_experiment("evaluated")
    result = mlflow.genai.evaluate(
        data=DATA, predict_fn=_answer, scorers=[_right, _length, _spans, RegexMatch(pattern="^yes")]
    )
    traces = {
        trace.data.spans[0].inputs["question"]: trace for trace in _check(result, experiment_id)
    }
    first, second = (traces[each["inputs"]["question"]] for each in DATA)
    assert (_values(first)["right"], _values(second)["right"]) == (True, False)
    assert _values(first)["spans"] == 2, _values(first)
    [said] = [each for each in first.info.assessments if each.name == "length"]
    assert (said.value, said.rationale) == (13, "of Is it 1?"), said
    assert said.metadata["mlflow.assessment.sourceRunId"] == result.run_id, said
    assert result.metrics["right/mean"] == 0.5, result.metrics
    assert client.get_run(result.run_id).inputs.dataset_inputs, "the run has no dataset"


def evaluate_what_fails() -> None:
    """A scorer that fails leaves an assessment with its error, and the run finishes."""
    experiment_id = new_experiment("evaluated")
    result = mlflow.genai.evaluate(data=DATA, predict_fn=_answer, scorers=[_broken, _right])
    for trace in _check(result, experiment_id):
        [failed] = [each for each in trace.info.assessments if each.name == "broken"]
        assert "can't judge yes" in failed.error.error_message, failed


def evaluate_a_frame() -> None:
    """A DataFrame with answers that are there already: no function predicts."""
    experiment_id = new_experiment("evaluated")
    frame = pd.DataFrame([{**each, "outputs": "no"} for each in DATA])
    result = mlflow.genai.evaluate(data=frame, scorers=[_right, _length])
    values = [_values(trace) for trace in _check(result, experiment_id)]
    assert sorted(each["right"] for each in values) == [False, True], values
    assert result.metrics["length/mean"] == 2, result.metrics


def evaluate_a_dataset() -> None:
    """An evaluation dataset: the run has it as an input."""
    experiment_id = new_experiment("evaluated")
    dataset = datasets.create_dataset(unique("dataset"), experiment_id=experiment_id)
    dataset.merge_records(DATA)
    result = mlflow.genai.evaluate(data=dataset, predict_fn=_answer, scorers=[_right])
    _check(result, experiment_id)
    [used] = client.get_run(result.run_id).inputs.dataset_inputs
    assert used.dataset.name == dataset.name, used
    [found] = client.search_runs([experiment_id], f"dataset.name = '{dataset.name}'")
    assert found.info.run_id == result.run_id


def evaluate_traces() -> None:
    """Traces that were logged before: they get the assessments, and the run is linked to them."""
    experiment_id = new_experiment("evaluated")
    for each in DATA:
        _answer(**each["inputs"])
        mlflow.log_expectation(
            trace_id=mlflow.get_last_active_trace_id(),
            name="answer",
            value=each["expectations"]["answer"],
        )
    logged = mlflow.search_traces([experiment_id])
    result = mlflow.genai.evaluate(data=logged, scorers=[_right, _spans])
    judged = _check(result, experiment_id)
    assert {each.info.trace_id for each in judged} == set(logged["trace_id"])
    assert sorted(_values(each)["right"] for each in judged) == [False, True]
    assert len(client.search_traces([experiment_id])) == 2


def evaluate_in_a_run() -> None:
    """A run that is open takes the evaluation's metrics, and stays open."""
    experiment_id = new_experiment("evaluated")
    with mlflow.start_run() as run:
        result = mlflow.genai.evaluate(data=DATA, predict_fn=_answer, scorers=[_right])
        assert result.run_id == run.info.run_id
    _check(result, experiment_id)


def evaluate_a_model() -> None:
    """A version of an application: its metrics and traces."""
    experiment_id = new_experiment("evaluated")
    model = mlflow.set_active_model(name="shop")
    result = mlflow.genai.evaluate(
        data=DATA, predict_fn=_answer, scorers=[_right], model_id=model.model_id
    )
    _check(result, experiment_id)
    metrics = {each.key: each.value for each in client.get_logged_model(model.model_id).metrics}
    assert metrics["right/mean"] == 0.5, metrics
    found = mlflow.search_traces([experiment_id], model_id=model.model_id, return_type="list")
    assert len(found) == 2, found
