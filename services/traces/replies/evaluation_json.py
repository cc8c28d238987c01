"""The JSON of evaluation datasets and of their records, in the forms of MLflow's protobuf messages."""

from collections.abc import Sequence
from typing import Any

from asyncpg import Record
from pydantic_core import to_json

from services.traces.rules.evaluation_ids import write_dataset_id, write_record_id
from services.traces.rules.evaluation_records import write_json


def dataset_json(row: Record, experiment_ids: Sequence[str] = ()) -> dict[str, Any]:
    """Return a dataset of ``store.evaluation_datasets.read``. MLflow names its experiments where it is created alone."""
    fields = {
        "dataset_id": write_dataset_id(row["dataset_id"]),
        "name": row["name"],
        "tags": row["tags"] or "{}",
        "schema": row["schema"],
        "profile": _profile(row["record_count"]),
        "digest": row["digest"],
        "created_time": row["created_time"],
        "last_update_time": row["last_update_time"],
        "created_by": row["created_by"],
        "last_updated_by": row["last_updated_by"],
        "experiment_ids": list(experiment_ids) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _profile(record_count: int | None) -> str | None:
    """Return MLflow's profile. After the deletion of all records it is ``null``, written as JSON."""
    if record_count is None:
        return None
    return write_json({"num_records": record_count} if record_count else None)


def records_json(dataset_id: str, rows: Sequence[Record], next_page_token: str | None) -> bytes:
    """Return a page of records: their JSON inside a text."""
    texts = ", ".join(_record(dataset_id, row) for row in rows)
    reply = {"records": f"[{texts}]"}
    if next_page_token:
        reply["next_page_token"] = next_page_token
    return to_json(reply)


def _record(dataset_id: str, row: Record) -> str:
    """Return a record's JSON. What is JSON already is not read."""
    fields = {
        "dataset_record_id": write_json(write_record_id(row["dataset_record_id"])),
        "dataset_id": write_json(dataset_id),
        "inputs": row["inputs"],
        "expectations": row["expectations"],
        "tags": row["tags"],
        "source": row["source"],
        "source_id": _text(row["source_id"]),
        "source_type": _text(row["source_type"]),
        "created_time": str(row["created_time"]),
        "last_update_time": str(row["last_update_time"]),
        "created_by": _text(row["created_by"]),
        "last_updated_by": _text(row["last_updated_by"]),
        "outputs": row["outputs"],
    }
    items = (f'"{name}": {text}' for name, text in fields.items() if text is not None)
    return "{" + ", ".join(items) + "}"


def _text(value: str | None) -> str | None:
    return None if value is None else write_json(value)
