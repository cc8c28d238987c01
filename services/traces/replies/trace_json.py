"""The JSON of traces, in the forms of MLflow 2 and 3."""

from collections.abc import Sequence
from typing import Any

from asyncpg import Record
from pydantic_core import from_json

from services.traces.rules.assessments import assessment_json
from shared.contracts.proto_times import write_duration, write_timestamp
from shared.contracts.traces import TraceForm, TraceState

_OLD_STATES = {TraceState.STATE_UNSPECIFIED: "TRACE_STATUS_UNSPECIFIED"}


def trace_info(row: Record, form: TraceForm, assessments: Sequence[Record] = ()) -> dict[str, Any]:
    """Return a trace of ``store.traces.read`` in a form. Only MLflow 3's has assessments."""
    tags, metadata = _labels(row["tags"]), _labels(row["metadata"])
    if form == "v2":
        return _without_nulls(
            request_id=row["trace_id"],
            experiment_id=str(row["experiment_id"]),
            timestamp_ms=row["request_time"],
            execution_time_ms=row["execution_duration"],
            status=_OLD_STATES.get(row["state"], row["state"]),
            request_metadata=_entries(metadata),
            tags=_entries(tags),
        )
    duration = row["execution_duration"]
    return _without_nulls(
        trace_id=row["trace_id"],
        client_request_id=row["client_request_id"],
        trace_location={
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": str(row["experiment_id"])},
        },
        request_preview=row["request_preview"],
        response_preview=row["response_preview"],
        request_time=write_timestamp(row["request_time"]),
        execution_duration=None if duration is None else write_duration(duration),
        state=row["state"],
        trace_metadata=metadata,
        tags=tags,
        assessments=[assessment_json(each) for each in assessments] or None,
    )


def _labels(text: str | None) -> dict[str, str]:
    return from_json(text) if text else {}


def _entries(labels: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in labels.items()]


def _without_nulls(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
