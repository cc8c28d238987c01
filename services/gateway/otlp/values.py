"""Values of OTLP as Python's."""

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def value_of(value: AnyValue) -> Any:
    """Return the value; None if it is not set.

    The recursion is bounded, because protobuf refuses messages that are nested more than 100 deep.
    """
    # Most values are texts, and the kind need not be asked for.
    if text := value.string_value:
        return text
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value_of(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return values_of(value.kvlist_value.values)
    return getattr(value, kind)


def values_of(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Return attributes by name. Of a repeated name the last value counts."""
    return {each.key: value_of(each.value) for each in pairs}
