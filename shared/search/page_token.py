"""Opaque page tokens: where the last page ended, not how many rows came before it.

A token is base64url of a JSON array: a digest of the search it belongs to, then the value of
each ordering term of the page's last row.
"""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.errors import DomainError, invalid

KeyValue = int | float | str | UUID

_INT64 = range(-(2**63), 2**63)


class KeyType(StrEnum):
    """The type of an ordering term; the values are the names of Postgres's types."""

    INTEGER = "bigint"
    FLOAT = "double precision"
    TEXT = "text"
    UUID = "uuid"


@dataclass(frozen=True, slots=True)
class Search:
    """What a token is bound to: a token of another filter or order would skip or repeat rows."""

    noun: str
    filter: str
    order_by: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Return a short fingerprint; it guards against mix-ups, not against forgery."""
        text = json.dumps([self.noun, self.filter, list(self.order_by)])
        return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()


def encode_token(search: Search, key: Sequence[KeyValue]) -> str:
    """Return the token of the page that starts after the row with this key."""
    values = [value.hex if isinstance(value, UUID) else value for value in key]
    text = json.dumps([search.digest, *values], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_token(
    search: Search, token: str | None, types: Sequence[KeyType]
) -> tuple[KeyValue, ...] | None:
    """Return the key to start after, or None when there is no token.

    Raises DomainError(INVALID_PARAMETER_VALUE) in MLflow's words for anything that
    `encode_token` has not made for the same search.
    """
    if not token:
        return None
    parsed = _load(token)
    if not isinstance(parsed, list) or len(parsed) != len(types) + 1 or parsed[0] != search.digest:
        raise _wrong(parsed)
    return tuple(
        _value(value, expected, parsed) for value, expected in zip(parsed[1:], types, strict=True)
    )


def _load(token: str) -> object:
    try:
        decoded = base64.b64decode(
            token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, ValueError):
        raise invalid("Invalid page token, could not base64-decode") from None
    try:
        parsed: object = json.loads(decoded)
    except (ValueError, RecursionError):
        raise invalid(f"Invalid page token, decoded value={decoded!r:.200}") from None
    return parsed


def _value(value: object, expected: KeyType, parsed: object) -> KeyValue:
    """Check one value against its column, so that the database cannot refuse it."""
    if isinstance(value, bool):
        raise _wrong(parsed)
    if expected is KeyType.INTEGER and isinstance(value, int) and value in _INT64:
        return value
    if expected is KeyType.FLOAT and isinstance(value, float) and not math.isnan(value):
        return value
    if isinstance(value, str) and expected is KeyType.TEXT and _storable(value):
        return value
    if isinstance(value, str) and expected is KeyType.UUID:
        try:
            return UUID(hex=value)
        except ValueError:
            raise _wrong(parsed) from None
    raise _wrong(parsed)


def _storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _wrong(parsed: object) -> DomainError:
    return invalid(f"Invalid page token, parsed value={parsed!r:.200}")
