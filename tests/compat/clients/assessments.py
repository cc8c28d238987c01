"""Assessments of traces: feedback, expectations and issues, logged, changed, overridden, searched and deleted."""

import mlflow
from mlflow.entities import (
    AssessmentError,
    AssessmentSource,
    Expectation,
    Feedback,
)
from mlflow.tracing.client import TracingClient
from scenario import new_experiment, refused

SINCE = "3.0.0"

experiment_id = new_experiment("assessments")


@mlflow.trace
def answer(question):
    """Make a trace, and assess it while it is open."""
    mlflow.log_feedback(trace_id=mlflow.get_active_trace_id(), name="early", value=True)
    return f"{question}!"


def logged():
    """Return the id of a new trace."""
    answer("why")
    trace_id = mlflow.get_last_active_trace_id()
    mlflow.flush_trace_async_logging()
    return trace_id


def assessed(trace_id):
    """Return the assessments of a trace by their ids."""
    return {each.assessment_id: each for each in mlflow.get_trace(trace_id).info.assessments}


trace_id, other = logged(), logged()
(early,) = assessed(trace_id).values()
assert (early.name, early.value, early.trace_id) == ("early", True, trace_id), early

human = AssessmentSource(source_type="HUMAN", source_id="ada")
feedback = mlflow.log_feedback(
    trace_id=trace_id,
    name="x",
    value=0.5,
    source=human,
    rationale="half right",
    metadata={"mlflow.assessment.sourceRunId": "r", "k": 1},
    span_id=mlflow.get_trace(trace_id).data.spans[0].span_id,
)
read = mlflow.get_assessment(trace_id, feedback.assessment_id)
assert read == feedback, (read, feedback)
assert (read.value, read.source, read.rationale, read.run_id) == (0.5, human, "half right", "r")
assert read.metadata["k"] == "1", read.metadata

VALUES = [3, 0.1, False, "text", "ü 🐇", ["a", 1, None], {"role": "user", "parts": [{"a": [1]}]}]
for value in VALUES:
    expectation = mlflow.log_expectation(trace_id=trace_id, name="expected", value=value)
    assert mlflow.get_assessment(trace_id, expectation.assessment_id).value == value
for value in (1, "yes", [1, "a"], {"a": 0.5}):
    made = mlflow.log_assessment(trace_id, Feedback(name="any", value=value))
    assert made.value == value, made
error = AssessmentError(error_code="LIMIT", error_message="too many", stack_trace="…\n" * 10)
failed = mlflow.log_feedback(trace_id=trace_id, name="failed", error=error)
assert mlflow.get_assessment(trace_id, failed.assessment_id).error == error

changed = mlflow.update_assessment(
    trace_id,
    feedback.assessment_id,
    Feedback(name="x", value=0.75, rationale="better", metadata={"l": "2"}),
)
assert (changed.value, changed.rationale, changed.source) == (0.75, "better", human), changed
assert changed.metadata.keys() == {"mlflow.assessment.sourceRunId", "k", "l"}, changed.metadata
assert changed.create_time_ms == feedback.create_time_ms, changed
with refused("INVALID_PARAMETER_VALUE", "Cannot update expectation value"):
    mlflow.update_assessment(trace_id, feedback.assessment_id, Expectation(name="x", value=1))

better = mlflow.override_feedback(
    trace_id=trace_id, assessment_id=feedback.assessment_id, value=1.0, source=human
)
assert (better.overrides, better.valid) == (feedback.assessment_id, True), better
assert assessed(trace_id)[feedback.assessment_id].valid is False
mlflow.delete_assessment(trace_id, better.assessment_id)
mlflow.delete_assessment(trace_id, better.assessment_id)
assert assessed(trace_id)[feedback.assessment_id].valid is True
with refused("RESOURCE_DOES_NOT_EXIST", better.assessment_id):
    mlflow.get_assessment(trace_id, better.assessment_id)
with refused("RESOURCE_DOES_NOT_EXIST", feedback.assessment_id):
    mlflow.get_assessment(other, feedback.assessment_id)
with refused("RESOURCE_DOES_NOT_EXIST"):
    mlflow.log_feedback(trace_id="tr-" + 32 * "0", name="x", value=1)

frame = mlflow.search_traces([experiment_id], return_type="list")
assert {len(each.info.assessments) for each in frame} == {1, len(assessed(trace_id))}, frame


def found(text):
    """Return the ids of the traces that satisfy a filter."""
    traces = mlflow.search_traces([experiment_id], filter_string=text, return_type="list")
    return {each.info.trace_id for each in traces}


assert found("feedback.x > 0.5") == {trace_id}
assert found("feedback.x > 0.75") == set()
assert found("feedback.early = 'true'") == {trace_id, other}
assert found("feedback.x IS NULL") == {other}
assert found("expectation.expected = 'text' AND feedback.any = 'yes'") == {trace_id}
assert found("expectation.expected LIKE '%ser%'") == {trace_id}
with refused("INVALID_PARAMETER_VALUE", "Expected a numeric value for feedback"):
    found("feedback.x > 'a'")

if hasattr(mlflow, "log_issue"):
    from mlflow.entities.issue import IssueSeverity, IssueStatus

    client = TracingClient()
    issue = client._create_issue(
        experiment_id, "slow", "Seconds.", severity=IssueSeverity.HIGH, root_causes=["a", "b"]
    )
    assert client._get_issue(issue.issue_id) == issue, issue
    reference = mlflow.log_issue(trace_id=other, issue_id=issue.issue_id, rationale="seen")
    assert (reference.issue_id, reference.issue_name) == (issue.issue_id, "slow"), reference
    assert found(f"issue.id = '{issue.issue_id}'") == {other}
    client.store.update_issue(issue.issue_id, status=IssueStatus.RESOLVED)
    (resolved,) = client.store.search_issues(
        experiment_id, "status = 'resolved'", include_trace_count=True
    )
    assert (resolved.issue_id, resolved.trace_count) == (issue.issue_id, 1), resolved
    with refused("RESOURCE_DOES_NOT_EXIST", "iss-0"):
        mlflow.log_issue(trace_id=other, issue_id="iss-0")
