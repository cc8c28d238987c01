"""The JSON of traces, in the forms of MLflow 2 and 3."""

from typing import Any

from asyncpg import Record
from pydantic_core import from_json, to_json

from shared.contracts.proto_times import write_duration, write_timestamp
from shared.contracts.traces import TraceForm, TraceState

_OLD_STATES = {TraceState.STATE_UNSPECIFIED: "TRACE_STATUS_UNSPECIFIED"}


def trace_info(row: Record, form: TraceForm) -> dict[str, Any]:
    """Return a trace of ``store.traces.read`` in a form."""
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
    )


def info_reply(row: Record, form: TraceForm) -> bytes:
    """Return ``{"trace_info": …}`` of MLflow 2, or ``{"trace": {"trace_info": …}}`` of MLflow 3."""
    reply: dict[str, Any] = {"trace_info": trace_info(row, form)}
    return to_json(reply if form == "v2" else {"trace": reply})


def _labels(text: str | None) -> dict[str, str]:
    return from_json(text) if text else {}


def _entries(labels: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in labels.items()]


def _without_nulls(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
