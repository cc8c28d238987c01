"""Counts the parts of an OTLP request on the wire, before any of them becomes an object.

An empty message takes two bytes. 64 MiB of them would be 33 million objects, and 64 kB as gzip.
"""

from collections.abc import Iterator

from shared.contracts import limits
from shared.contracts.errors import DomainError, invalid

_PATH = (1, 2, 2)
"""The numbers of the fields ``resource_spans``, ``scope_spans`` and ``spans``, each inside the one before."""

_VARINT, _BYTES = 0, 2
"""Types of a field on the wire."""

_FIXED_SIZES = {1: 8, 5: 4, 3: 0, 4: 0}
"""Bytes of the other types. 3 and 4 are the ends of a group, whose fields are counted as if they were outside."""

_LONGEST_VARINT = 10
"""Bytes."""


class _MalformedError(Exception):
    """The bytes are no protobuf. The library says what is wrong with them."""


def count_parts(body: bytes) -> int:
    """Return the number of resources, scopes and spans. Raises DomainError for more than ``limits.OTLP_SPANS``.

    Counting ends where the body is malformed: the library refuses it there, too.
    """
    return _counted(body, 0, len(body), 0, 0)


def too_many_parts() -> DomainError:
    """Return the error for a request with too many parts."""
    return invalid(
        f"A request can contain at most {limits.OTLP_SPANS} resources, scopes and spans."
    )


def _counted(body: bytes, at: int, end: int, depth: int, number: int) -> int:
    """Return ``number`` and the parts between two positions, which hold a message. Raises DomainError."""
    try:
        for field, start, stop in _fields_of_bytes(body, at, end):
            if field != _PATH[depth]:
                continue
            number += 1
            if number > limits.OTLP_SPANS:
                raise too_many_parts()
            if depth + 1 < len(_PATH):
                number = _counted(body, start, stop, depth + 1, number)
    except _MalformedError:
        pass
    return number


def _fields_of_bytes(body: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the number of each field that holds bytes, and between which positions they are."""
    while at < end:
        tag, at = _varint(body, at, end)
        kind = tag & 7
        if kind == _BYTES:
            size, at = _varint(body, at, end)
            if at + size > end:
                raise _MalformedError
            yield tag >> 3, at, at + size
            at += size
        elif kind == _VARINT:
            _, at = _varint(body, at, end)
        elif kind in _FIXED_SIZES:
            at += _FIXED_SIZES[kind]
        else:
            raise _MalformedError


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and the position after it."""
    value = shift = 0
    for position in range(at, min(end, at + _LONGEST_VARINT)):
        byte = body[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  # The highest bit says that another byte follows.
            return value, position + 1
        shift += 7
    raise _MalformedError
