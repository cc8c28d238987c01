"""Reads one span of OTLP: checks it, translates it, and writes it as MLflow stores spans.

Source: ``Span.from_otel_proto`` and ``Span.to_dict`` in ``mlflow/entities/span.py``.
"""

import math
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from pydantic import ValidationError

from services.gateway.otlp import attributes as names
from services.gateway.otlp.attributes import Attributes, decoded, dumped, numbers, parsed, storable
from services.gateway.otlp.prices import Prices
from services.gateway.otlp.resources import Resource
from services.gateway.otlp.translation import translate
from services.gateway.otlp.values import values_of
from shared.contracts.message import INT64_MAX
from shared.contracts.spans import Span

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
_DIMENSION_LENGTH = 500
"""Characters of a type, and of a model's or provider's name, that searches see (``MODEL_DIMENSION_MAX_LENGTH``)."""

_STATUSES: Mapping[int, Literal["OK", "ERROR"]] = {
    Status.STATUS_CODE_OK: "OK",
    Status.STATUS_CODE_ERROR: "ERROR",
}


class SpanRefusedError(Exception):
    """A span that can't be stored. Its text says why; the other spans of the request are not concerned."""


@dataclass(frozen=True, slots=True)
class ReadSpan:
    """A span as the traces service gets it, and its attributes, from which more is read about the trace."""

    span: Span
    attributes: Attributes


def read_span(otlp: OtlpSpan, resource: Resource, prices: Prices) -> ReadSpan:
    """Return the span of a request. Raises SpanRefusedError."""
    trace, own = _identifier(otlp.trace_id, "trace"), _identifier(otlp.span_id, "span")
    parent = _parent(otlp.parent_span_id)
    start, end = _time(otlp.start_time_unix_nano, "start"), _time(otlp.end_time_unix_nano, "end")
    trace_id = f"tr-{trace.hex()}"
    events = [
        {
            "name": each.name,
            "time_unix_nano": each.time_unix_nano,
            "attributes": _finite(values_of(each.attributes)),
        }
        for each in otlp.events
    ]
    attributes = {name: _text(value) for name, value in values_of(otlp.attributes).items()}
    attributes[names.TRACE_ID] = dumped(trace_id)
    if not parent and resource.service_name:
        attributes[names.SERVICE_NAME] = dumped(resource.service_name)
    translate(attributes, events, prices)
    content = {
        "trace_id": _base64(trace),
        "span_id": _base64(own),
        "parent_span_id": _base64(parent) if parent else None,
        "name": otlp.name,
        "start_time_unix_nano": start,
        # MLflow writes 0 here, which its UI takes for an end in 1970.
        "end_time_unix_nano": end or None,
        "events": events,
        "status": _status(otlp.status),
        "attributes": attributes,
        "links": _links(otlp.links),
    }
    try:
        span = Span(
            trace_id=trace_id,
            span_id=own.hex(),
            parent_span_id=parent.hex(),
            name=storable(otlp.name),
            type=_dimension(attributes, names.SPAN_TYPE) or names.UNKNOWN,
            status=_STATUSES.get(otlp.status.code, "UNSET"),
            start_time_ns=start,
            end_time_ns=end or None,
            content=dumped(content),
            model_name=_dimension(attributes, names.MODEL),
            model_provider=_dimension(attributes, names.PROVIDER),
            token_usage=numbers(attributes, names.TOKEN_USAGE, int),
            cost=numbers(attributes, names.COST, float),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise SpanRefusedError(f"{first['loc'][0]}: {first['msg']}") from None
    return ReadSpan(span, attributes)


def _identifier(value: bytes, kind: Literal["trace", "span"]) -> bytes:
    size = TRACE_ID_BYTES if kind == "trace" else SPAN_ID_BYTES
    if len(value) != size:
        raise SpanRefusedError(f"A {kind} id has {size} bytes, not {len(value)}.")
    if not any(value):
        raise SpanRefusedError(f"A {kind} id must not be zero.")
    return value


def _parent(value: bytes) -> bytes:
    """Return the id of the parent; empty for a root span. Zeros mean a root span, too."""
    if len(value) not in {0, SPAN_ID_BYTES}:
        raise SpanRefusedError(f"A parent's span id has {SPAN_ID_BYTES} bytes, not {len(value)}.")
    return value if any(value) else b""


def _time(nanoseconds: int, which: str) -> int:
    if nanoseconds > INT64_MAX:
        raise SpanRefusedError(f"The {which} time {nanoseconds} ns is out of range.")
    return nanoseconds


def _text(value: Any) -> str:
    """Return an attribute's value as JSON text.

    A string that holds a string, object or list as JSON stays as it is: MLflow's own clients encode values before
    they give them to OpenTelemetry (``sanitize_attributes`` in MLflow).
    """
    if isinstance(value, str) and value.lstrip().startswith(('"', "{", "[")):
        try:
            parsed(value)
        except (ValueError, RecursionError):
            return dumped(value)
        return value
    return dumped(value)


def _finite(value: Any) -> Any:
    """Return the value of an event or link with texts in the place of what JSON has no numbers for, as proto-JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bytes):
        return _base64(value)
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


def _status(status: Status) -> Mapping[str, str]:
    code = _STATUSES.get(status.code, "UNSET")
    # OpenTelemetry knows descriptions of errors only.
    return {
        "code": f"STATUS_CODE_{code}",
        "message": status.message if code == "ERROR" else "",
    }


def _links(links: Sequence[OtlpSpan.Link]) -> list[Mapping[str, Any]]:
    """Return the links to other spans. Those whose ids have another size are left out, as MLflow does when it reads."""
    return [
        {
            "trace_id": f"tr-{each.trace_id.hex()}",
            "span_id": each.span_id.hex(),
            "attributes": _finite(values_of(each.attributes)) or None,
        }
        for each in links
        if len(each.trace_id) == TRACE_ID_BYTES and len(each.span_id) == SPAN_ID_BYTES
    ]


def _base64(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode()


def _dimension(attributes: Attributes, name: str) -> str:
    value = decoded(attributes.get(name))
    return storable(value[:_DIMENSION_LENGTH]) if isinstance(value, str) else ""
