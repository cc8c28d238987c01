"""Assessments as they are stored, made from requests and written in replies.

As in MLflow only feedback overrides, and only feedback and references to issues have a rationale.
"""

import hashlib
import time
from typing import Any

from asyncpg import Record
from pydantic_core import from_json, to_json

from services.traces.rules.assessment_values import (
    expectation_json,
    number_of,
    read_value,
    to_text,
)
from services.traces.store.assessments import StoredAssessment
from services.traces.validation import SESSION
from shared.contracts import limits
from shared.contracts.assessments import Assessment, AssessmentError, SourceType
from shared.contracts.errors import invalid
from shared.contracts.proto_times import write_timestamp

_LONGEST_STACK_TRACE = 10_000
_LONGEST_SESSION = 500
"""Bytes. An index entry has 2,704, and may also have a name and a value of 1,000 bytes each."""

_CUT_STACK_TRACE = "[Stack trace is truncated]\n...\n"


def assessment_id(unique: str) -> str:
    """Return the id of a new assessment; ``unique`` has 32 hexadecimal digits."""
    return f"a-{unique}"


def repeatable_id(trace_id: str, place: int, given: Assessment) -> str:
    """Return the id of an assessment that comes with its trace without one.

    It is the same if the client sends the trace again. MLflow's server stores a second copy then.
    """
    said = f"{trace_id}\0{place}\0{given.model_dump_json()}"
    return assessment_id(hashlib.sha256(said.encode()).hexdigest()[:32])


def now() -> int:
    """Return the time in milliseconds."""
    return time.time_ns() // 1_000_000


def stored(given: Assessment, new_id: str) -> StoredAssessment:
    """Return what a request asks to store. Raises DomainError in MLflow's words, and for one that is too large."""
    kind, value = read_value(given)
    feedback = given.feedback
    source = given.source
    moment = now()
    return checked(
        StoredAssessment(
            assessment_id=given.assessment_id or new_id,
            kind=kind,
            name=given.assessment_name or "",
            value=to_text(value),
            number=number_of(value),
            error=error_text(feedback.error) if feedback else None,
            rationale=None if kind == "expectation" else given.rationale or None,
            metadata=metadata_text(given.metadata),
            source_type=source.source_type if source else SourceType.SOURCE_TYPE_UNSPECIFIED,
            source_id=(source and source.source_id) or None,
            span_id=given.span_id or None,
            overrides=(given.overrides or None) if feedback else None,
            create_time=given.create_time or moment,
            last_update_time=given.last_update_time or moment,
            session=session_of(given.metadata or {}),
        )
    )


def checked(assessment: StoredAssessment) -> StoredAssessment:
    """Return an assessment that is not too large. Raises DomainError otherwise."""
    if assessment.size > limits.ASSESSMENT:
        message = (
            f"An assessment can have at most {limits.ASSESSMENT} bytes, "
            f"this one has {assessment.size}."
        )
        raise invalid(message)
    return assessment


def error_text(error: AssessmentError | None) -> str | None:
    """Return the JSON of an error, as replies have it: the end of a long stack trace is kept."""
    if error is None:
        return None
    trace = error.stack_trace or ""
    if len(trace) > _LONGEST_STACK_TRACE:
        kept = _LONGEST_STACK_TRACE - len(_CUT_STACK_TRACE)
        trace = _CUT_STACK_TRACE + trace[-kept:]
    said = {"error_message": error.error_message, "stack_trace": trace}
    shown = {name: text for name, text in said.items() if text}
    return to_json({"error_code": error.error_code or "", **shown}).decode()


def metadata_text(metadata: dict[str, str] | None) -> str | None:
    """Return the JSON of metadata."""
    return to_json(metadata).decode() if metadata else None


def session_of(metadata: dict[str, str]) -> str | None:
    """Return the session of which an assessment assesses the whole; None if it assesses a trace alone.

    MLflow looks whether the metadata names a session, and takes the session of the assessment's trace. Its clients
    write that one. A name that is too long for the indexes is not looked at.
    """
    session = metadata.get(SESSION, "")
    return session if 0 < len(session.encode()) <= _LONGEST_SESSION else None


def assessment_json(row: Record) -> dict[str, Any]:
    """Return an assessment in MLflow's form."""
    optional = {
        "span_id": row["span_id"],
        "rationale": row["rationale"],
        "overrides": row["overrides"],
        "metadata": from_json(row["metadata"]) if row["metadata"] else None,
    }
    source = {"source_type": row["source_type"], "source_id": row["source_id"]}
    return {
        "assessment_id": row["assessment_id"],
        "assessment_name": row["name"],
        "trace_id": row["trace_id"],
        "source": _without_nulls(source),
        "create_time": write_timestamp(row["create_time"]),
        "last_update_time": write_timestamp(row["last_update_time"]),
        row["kind"]: _value_json(row),
        **_without_nulls(optional),
        "valid": row["valid"],
    }


def _value_json(row: Record) -> dict[str, Any]:
    if row["kind"] == "expectation":
        return expectation_json(row["value"])
    value = from_json(row["value"])
    if row["kind"] == "issue":
        return dict(value)
    error = from_json(row["error"]) if row["error"] else None
    return {"value": value, **_without_nulls({"error": error})}


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
