"""OpenAPI's operation of OTLP, whose messages are OpenTelemetry's."""

from collections.abc import Iterator
from typing import Any

from services.gateway.otlp.requests import JSON, PROTOBUF
from services.gateway.otlp.routes import EXPERIMENT, PATH, RUN

_SPECIFICATION = "https://opentelemetry.io/docs/specs/otlp/#otlphttp"


def describe_otlp() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the method, path and operation. The caller adds the error answers and the request id."""
    yield (
        "POST",
        PATH,
        {
            "operationId": "ExportTraces",
            "summary": "Store spans of OpenTelemetry (OTLP).",
            "description": "Spans may come in any order, and of a trace in several requests. A span that comes again "
            "replaces the stored one. Errors of protobuf requests are protobuf, too (google.rpc.Status); errors of "
            "JSON requests have the field `code` in addition.",
            "externalDocs": {"url": _SPECIFICATION},
            "tags": ["traces"],
            "parameters": [
                _header(EXPERIMENT, "The id of the experiment.", required=True),
                _header(RUN, "The run to which traces are linked whose root span has come."),
            ],
            "requestBody": {
                "required": True,
                "content": _message("ExportTraceServiceRequest"),
            },
            "responses": {
                "200": {
                    "description": "Stored; `partialSuccess` counts the spans that were not, and says why.",
                    "content": _message("ExportTraceServiceResponse"),
                }
            },
        },
    )


def _header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": schema,
    }


def _message(name: str) -> dict[str, Any]:
    described = f"OpenTelemetry's {name}"
    return {
        JSON: {"schema": {"type": "object", "description": f"{described}, in OTLP's JSON"}},
        PROTOBUF: {"schema": {"type": "string", "format": "binary", "description": described}},
    }
