"""Finds the files of a trace: its spans, if its client has uploaded them, and attachments of spans."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pydantic_core import from_json

from services.gateway.service_client import ServiceClient
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.traces import GetTraceInfoV3
from shared.mlflow.artifact_paths import proxied_root

TRACE_DATA = "traces.json"
"""The name of the file with a trace's spans: ``TRACE_DATA_FILE_NAME`` in MLflow."""

ATTACHMENTS = "attachments"
_SPANS_LOCATION = "mlflow.trace.spansLocation"
_ARTIFACT_LOCATION = "mlflow.artifactLocation"


@dataclass(frozen=True, slots=True)
class TraceFile:
    """A trace, and the path of the file to send; empty if the traces service has its spans."""

    trace_id: str
    file: str = ""


async def find_trace(fields: Mapping[str, str], services: ServiceClient) -> TraceFile:
    """Return the file that a query string names. Raises DomainError."""
    trace_id = fields.get("request_id")
    if not trace_id:
        message = 'Request must include the "request_id" query parameter.'
        raise DomainError(ErrorCode.BAD_REQUEST, message)
    name = fields.get("path")
    if name and not _is_uuid(name):
        message = f"Invalid attachment path: '{name}'. Attachment path must be a valid UUID."
        raise invalid(message, "path")
    reply = from_json(await services.send(GetTraceInfoV3(trace_id=trace_id)))
    tags: Mapping[str, str] = reply["trace"]["trace_info"]["tags"]
    if not name and tags.get(_SPANS_LOCATION) == "TRACKING_STORE":
        return TraceFile(trace_id)
    root = proxied_root(tags.get(_ARTIFACT_LOCATION, ""))
    return TraceFile(trace_id, f"{root}/{ATTACHMENTS}/{name}" if name else f"{root}/{TRACE_DATA}")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
