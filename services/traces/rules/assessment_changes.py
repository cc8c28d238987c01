"""Changes of assessments: what an ``update_mask`` names."""

import re
from collections.abc import Collection
from dataclasses import fields, replace

from asyncpg import Record
from pydantic_core import from_json

from services.traces.rules.assessment_values import as_proto, number_of, read_expectation, to_text
from services.traces.rules.assessments import checked, error_text, metadata_text, now, session_of
from services.traces.store.assessments import StoredAssessment
from shared.contracts.assessments import Assessment, Expectation, Feedback
from shared.contracts.errors import invalid

_CAPITAL = re.compile("[A-Z]")


def read_mask(text: str) -> frozenset[str]:
    """Return the names of a ``google.protobuf.FieldMask``, which has them in lowerCamelCase, in snake_case.

    Raises DomainError for ``valid``, on which MLflow's server fails. It ignores unknown names.
    """
    paths = frozenset(_CAPITAL.sub(lambda found: f"_{found[0].lower()}", text).split(","))
    if "valid" in paths:
        message = (
            "An assessment is valid unless another one overrides it. `valid` can't be updated."
        )
        raise invalid(message, "update_mask")
    if {"expectation", "feedback"} <= paths:
        message = "Cannot specify both `expectation` and `feedback` parameters."
        raise invalid(message, "update_mask")
    return paths


def changed(row: Record, given: Assessment, paths: Collection[str]) -> StoredAssessment:
    """Return an assessment with the named fields of another one. Raises DomainError for a value of another kind."""
    after = StoredAssessment(**{field.name: row[field.name] for field in fields(StoredAssessment)})
    after = replace(after, last_update_time=now())
    if "assessment_name" in paths:
        after = replace(after, name=given.assessment_name or "")
    if "expectation" in paths:
        after = _with_expectation(after, given.expectation or Expectation())
    if "feedback" in paths:
        after = _with_feedback(after, given.feedback or Feedback())
    if "rationale" in paths and after.kind != "expectation":
        after = replace(after, rationale=given.rationale or "")
    if "metadata" in paths and given.metadata:
        merged = {**(from_json(after.metadata) if after.metadata else {}), **given.metadata}
        after = replace(after, metadata=metadata_text(merged), session=session_of(merged))
    return checked(after)


def _with_expectation(before: StoredAssessment, given: Expectation) -> StoredAssessment:
    value = read_expectation(given)
    if before.kind != "expectation":
        message = f"Cannot update expectation value on a{_shown(before.kind)} assessment."
        raise invalid(message)
    return replace(before, value=to_text(value), number=number_of(value))


def _with_feedback(before: StoredAssessment, given: Feedback) -> StoredAssessment:
    if before.kind != "feedback":
        message = f"Cannot update feedback value on a{_shown(before.kind)} assessment."
        raise invalid(message)
    value = as_proto(given.value)
    return replace(
        before, value=to_text(value), number=number_of(value), error=error_text(given.error)
    )


def _shown(kind: str) -> str:
    return {"feedback": " Feedback", "expectation": "n Expectation", "issue": "n IssueReference"}[
        kind
    ]
