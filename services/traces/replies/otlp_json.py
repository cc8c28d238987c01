"""Turns stored spans into OTLP's proto-JSON, as MLflow's REST API returns them.

The stored JSON is that of MLflow's ``Span.to_dict``. Its attributes are JSON texts; OTLP has a typed value for each.
Source: ``Span.to_otel_proto`` and ``_set_otel_proto_anyvalue`` in MLflow. Ids are base64 in both.
"""

import base64
import binascii
import math
from typing import Any

from pydantic_core import from_json, to_json

_INT64 = range(-(2**63), 2**63)
_TRACE_PREFIX = "tr-"


def otlp_span(content: str) -> bytes:
    """Return a stored span as OTLP's JSON."""
    span = from_json(content)
    found: dict[str, Any] = {
        "trace_id": span["trace_id"],
        "span_id": span["span_id"],
        "parent_span_id": span.get("parent_span_id"),
        "name": span.get("name"),
        "start_time_unix_nano": span.get("start_time_unix_nano"),
        "end_time_unix_nano": span.get("end_time_unix_nano"),
        "attributes": [
            {"key": key, "value": any_value(_parsed(value))}
            for key, value in (span.get("attributes") or {}).items()
        ],
        "events": [_event(each) for each in span.get("events") or ()],
        "links": [link for each in span.get("links") or () if (link := _link(each))],
        "status": _status(span.get("status") or {}),
    }
    return to_json({key: value for key, value in found.items() if value})


def any_value(value: Any) -> dict[str, Any]:
    """Return a value as OTLP's ``AnyValue``; null has no field. The depth is bounded by the parser's."""
    if isinstance(value, list):
        return {"array_value": {"values": [any_value(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlist_value": {"values": _key_values(value)}}
    return _scalar(value)


def _scalar(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    # In Python a bool is an int.
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, int):
        return {"int_value": value} if value in _INT64 else {"string_value": str(value)}
    if isinstance(value, float):
        return {"double_value": value if math.isfinite(value) else _NAMES[str(value)]}
    return {"string_value": str(value)}


_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""Proto-JSON's texts for doubles that JSON has no numbers for."""


def _key_values(fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in fields.items()]


def _parsed(text: Any) -> Any:
    """Return the value of an attribute, whose text is JSON. Other text stands for itself."""
    if not isinstance(text, str):
        return text
    try:
        return from_json(text)
    except ValueError:
        return text


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "time_unix_nano": event.get("time_unix_nano", 0),
        "name": event.get("name", ""),
        "attributes": _key_values(event.get("attributes") or {}),
    }


def _link(link: dict[str, Any]) -> dict[str, Any] | None:
    """Return a link to a span; None if its ids are not those of OTLP, as in MLflow."""
    try:
        trace_id = base64.b64encode(bytes.fromhex(link["trace_id"].removeprefix(_TRACE_PREFIX)))
        span_id = base64.b64encode(bytes.fromhex(link["span_id"]))
    except (KeyError, ValueError, AttributeError, binascii.Error):
        return None
    found = {"trace_id": trace_id.decode(), "span_id": span_id.decode()}
    attributes = _key_values(link.get("attributes") or {})
    return {**found, "attributes": attributes} if attributes else found


def _status(status: dict[str, Any]) -> dict[str, Any]:
    return {key: status[key] for key in ("message", "code") if status.get(key)}
