"""Assessments of traces."""

import mlflow
from mlflow.entities import Assessment, AssessmentError, AssessmentSource, Expectation, Feedback
from mlflow.tracing.client import TracingClient
from scenario import log_traces_synchronously, new_experiment, refused

SINCE = "3"
log_traces_synchronously()
ANN = AssessmentSource(source_type="HUMAN", source_id="ann")


def _trace() -> str:
    """Log a trace in an experiment of its own and return its id."""
    new_experiment("assessed")
    with mlflow.start_span("answer") as span:
        span.set_outputs("42")
    return span.request_id


def _of(trace_id: str) -> dict[str, Assessment]:
    return {each.name: each for each in mlflow.get_trace(trace_id).info.assessments}


def log_feedback() -> None:
    trace_id = _trace()
    span_id = mlflow.get_trace(trace_id).data.spans[0].span_id
    mlflow.log_feedback(
        trace_id=trace_id,
        name="right",
        value=0.5,
        source=ANN,
        rationale="höchstens",
        metadata={"a": "b"},
        span_id=span_id,
    )
    mlflow.log_feedback(
        trace_id=trace_id, name="failed", error=AssessmentError("TIMEOUT", "too slow")
    )
    right, failed = _of(trace_id)["right"], _of(trace_id)["failed"]
    assert (right.value, right.source, right.rationale) == (0.5, ANN, "höchstens"), right
    assert (right.metadata, right.span_id) == ({"a": "b"}, span_id), right
    assert failed.error.error_code == "TIMEOUT", failed


def log_feedback_inside_a_trace() -> None:
    """What is said of a trace before it has ended."""
    new_experiment("assessed")
    with mlflow.start_span("answer") as span:
        mlflow.log_feedback(trace_id=span.trace_id, name="early", value=True)
    assert _of(span.trace_id)["early"].value is True


def log_expectation() -> None:
    trace_id = _trace()
    wanted = {"answer": "42", "parts": [1, 2.5, None, "ü"]}
    mlflow.log_expectation(trace_id=trace_id, name="wanted", value=wanted, source=ANN)
    assert _of(trace_id)["wanted"].value == wanted


def log_assessment() -> None:
    trace_id = _trace()
    mlflow.log_assessment(trace_id, Feedback(name="tone", value=["kind", "short"], source=ANN))
    mlflow.log_assessment(trace_id, Expectation(name="wanted", value=42))
    found = _of(trace_id)
    assert (found["tone"].value, found["wanted"].value) == (["kind", "short"], 42), found


def update_assessment() -> None:
    trace_id = _trace()
    logged = mlflow.log_feedback(trace_id=trace_id, name="tone", value="rude", source=ANN)
    mlflow.update_assessment(
        trace_id, logged.assessment_id, Feedback(name="tone", value="kind", rationale="read again")
    )
    updated = _of(trace_id)["tone"]
    assert (updated.value, updated.rationale, updated.source) == ("kind", "read again", ANN)
    assert updated.last_update_time_ms >= logged.last_update_time_ms


def log_issue() -> None:
    """A trace shows an issue, which MLflow's discovery has found. Its client has no public method for that."""
    trace_id = _trace()
    experiment_id = mlflow.get_trace(trace_id).info.experiment_id
    issue = TracingClient()._create_issue(experiment_id, "Rude answers", "Users are told off.")
    mlflow.log_issue(trace_id=trace_id, issue_id=issue.issue_id, rationale="Told off.")
    logged = _of(trace_id)[issue.issue_id]
    assert (logged.issue_name, logged.rationale) == ("Rude answers", "Told off."), logged


def override_feedback() -> None:
    trace_id = _trace()
    judged = mlflow.log_feedback(trace_id=trace_id, name="tone", value="rude")
    better = mlflow.override_feedback(
        trace_id=trace_id, assessment_id=judged.assessment_id, value="kind", source=ANN
    )
    assert better.overrides == judged.assessment_id, better
    assert mlflow.get_assessment(trace_id, better.assessment_id).valid
    assert mlflow.get_assessment(trace_id, judged.assessment_id).valid is False


def get_assessment() -> None:
    trace_id = _trace()
    logged = mlflow.log_feedback(trace_id=trace_id, name="tone", value=False, source=ANN)
    assert mlflow.get_assessment(trace_id, logged.assessment_id) == logged


def delete_assessment() -> None:
    trace_id = _trace()
    logged = mlflow.log_feedback(trace_id=trace_id, name="tone", value=1)
    mlflow.delete_assessment(trace_id, logged.assessment_id)
    assert _of(trace_id) == {}
    with refused("RESOURCE_DOES_NOT_EXIST"):
        mlflow.get_assessment(trace_id, logged.assessment_id)


def search_traces_by_assessments() -> None:
    good = _trace()
    with mlflow.start_span("answer") as span:
        bad = span.trace_id
    mlflow.log_feedback(trace_id=good, name="tone", value="kind")
    mlflow.log_feedback(trace_id=bad, name="tone", value="rude")
    mlflow.log_expectation(trace_id=bad, name="wanted", value="kind")

    def found(filter_string: str) -> list[str]:
        traces = mlflow.search_traces(filter_string=filter_string, return_type="list")
        return [each.info.trace_id for each in traces]

    assert found("feedback.tone = 'kind'") == [good]
    assert found("feedback.tone = 'rude'") == [bad]
    assert found("expectation.wanted = 'kind'") == [bad]
