"""Splits an ``ExportTraceServiceRequest`` into its spans, without reading the spans.

A request may hold 50 MB. Its spans are read one by one, with turns of other requests in between, and one malformed
span does not spoil the others.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.json_format import Error as JsonFormatError
from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as OtlpResource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from pydantic_core import from_json, to_json

from services.gateway.otlp.resources import Resource, resource_of
from services.gateway.otlp.spans import SpanRefusedError
from services.gateway.otlp.values import values_of
from services.gateway.otlp.wire import count_parts, too_many_parts
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode, invalid

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_HEX_IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")
"""Fields that OTLP's JSON has in hexadecimal, although protobuf's JSON has bytes in base64."""


@dataclass(frozen=True, slots=True)
class Received:
    """A span of a request, not read yet. ``size`` is its number of bytes; ``read`` raises SpanRefusedError."""

    resource: Resource
    size: int
    read: Callable[[], OtlpSpan]


def split(body: bytes, media_type: str) -> Iterator[Received]:
    """Return the spans of a request.

    Raises DomainError for a body that is no request, or that has too many spans; this may happen at the first span.
    """
    return _of_json(body) if media_type == JSON else _of_protobuf(body)


def _of_protobuf(body: bytes) -> Iterator[Received]:
    count_parts(body)  # Raises for too many.
    try:
        request: Any = _PARTS.FromString(body)
        del body
        for part in request.resource_spans:
            if not any(scope.spans for scope in part.scope_spans):
                continue
            _check_resource(part.resource)
            resource = _resource(OtlpResource.FromString(part.resource))
            for scope in part.scope_spans:
                for raw in scope.spans:
                    yield Received(resource, len(raw), partial(_from_protobuf, raw))
    except DecodeError as error:
        raise _unreadable(error) from None


def _from_protobuf(raw: bytes) -> OtlpSpan:
    try:
        span: OtlpSpan = OtlpSpan.FromString(raw)
    except DecodeError as error:
        raise SpanRefusedError(f"The span can't be read: {error}.") from None
    return span


def _of_json(body: bytes) -> Iterator[Received]:
    try:
        request = from_json(body)
    except ValueError as error:
        raise _unreadable(error) from None
    resource_spans = _listed(request, "resourceSpans", "resource_spans")
    scopes = [_listed(each, "scopeSpans", "scope_spans") for each in resource_spans]
    spans = [[_listed(scope, "spans") for scope in each] for each in scopes]
    lists = [each for of_resource in spans for each in of_resource]
    if sum(map(len, (resource_spans, *scopes, *lists))) > limits.OTLP_SPANS:
        raise too_many_parts()
    for part, of_resource in zip(resource_spans, spans, strict=True):
        if not any(of_resource):
            continue
        given = part.get("resource") or {}
        _check_resource(to_json(given))
        found = OtlpResource()
        try:
            ParseDict(given, found, ignore_unknown_fields=True)
        except (JsonFormatError, ValueError, TypeError, AttributeError) as error:
            raise _unreadable(error) from None
        resource = _resource(found)
        for given in (span for each in of_resource for span in each):
            yield Received(resource, len(to_json(given)), partial(_from_json, given))


def _from_json(given: Any) -> OtlpSpan:
    if not isinstance(given, dict):
        raise SpanRefusedError("A span is a JSON object.")
    with_ids = _with_bytes(given)
    if isinstance(links := given.get("links"), list):
        with_ids["links"] = [_with_bytes(e) if isinstance(e, dict) else e for e in links]
    span = OtlpSpan()
    try:
        ParseDict(with_ids, span, ignore_unknown_fields=True)
    # ParseDict passes on the errors of a value of another type than it expects.
    except (JsonFormatError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise SpanRefusedError(f"The span can't be read: {error}") from None
    return span


def _with_bytes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a span or link with its ids in base64. Raises SpanRefusedError for ids that are not hexadecimal."""
    fields = dict(given)
    for name in _HEX_IDS:
        value = fields.get(name)
        if value is None:
            continue
        try:
            # fromhex alone would skip white space.
            raw = bytes.fromhex(value if value.isalnum() or not value else "-")
        except (AttributeError, ValueError):
            raise SpanRefusedError(f"{name} is not hexadecimal.") from None
        fields[name] = b64encode(raw).decode()
    return fields


def _listed(value: Any, *names: str) -> Sequence[Any]:
    """Return the list of a field under the first of its names; an absent one is empty. Raises DomainError."""
    if not isinstance(value, dict):
        raise _unreadable("an object was expected")
    found: Any = next((value[name] for name in names if value.get(name) is not None), [])
    if not isinstance(found, list):
        raise _unreadable(f"{names[0]} is not a list")
    return found


def _check_resource(resource: bytes) -> None:
    """Raise DomainError for a large resource. It is read without turns of other requests."""
    if len(resource) > limits.OTLP_RESOURCE:
        raise invalid(f"A resource can have at most {limits.OTLP_RESOURCE} bytes.")


def _resource(found: OtlpResource) -> Resource:
    return resource_of(values_of(found.attributes))


def _unreadable(reason: object) -> DomainError:
    message = f"The body is not a valid ExportTraceServiceRequest: {reason}."
    return DomainError(ErrorCode.BAD_REQUEST, message)


def _parts() -> type[Message]:
    """Return the message class of a request whose resources and spans are bytes, which stay unread.

    On the wire, a message inside a message is the same as bytes.
    """
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="warren/otlp.proto", package="warren", syntax="proto3"
    )

    def add(message: str, **fields: tuple[int, int, int, str | None]) -> None:
        added = file.message_type.add(name=message)
        for name, (number, label, kind, type_name) in fields.items():
            added.field.add(name=name, number=number, label=label, type=kind, type_name=type_name)

    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    add("ScopeSpans", spans=(2, many, field.TYPE_BYTES, None))
    add(
        "ResourceSpans",
        resource=(1, one, field.TYPE_BYTES, None),
        scope_spans=(2, many, field.TYPE_MESSAGE, ".warren.ScopeSpans"),
    )
    add("Request", resource_spans=(1, many, field.TYPE_MESSAGE, ".warren.ResourceSpans"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    name = "warren.Request"
    made: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    return made


_PARTS = _parts()
