"""Opaque page tokens. A token says where the last page ended, not how many rows came before.

It is base64url of a JSON array: the fingerprint of its search, then the value of each ordering term
of the page's last row.
"""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from shared.contracts.errors import DomainError, invalid
from shared.mlflow.search.remembered import LONGEST_REMEMBERED, MOST_REMEMBERED

KeyValue = int | float | str | UUID

_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)

_INT64 = range(-(2**63), 2**63)


class KeyType(StrEnum):
    """The type of an ordering term; the values are the names of Postgres's types."""

    INTEGER = "bigint"
    FLOAT = "double precision"
    TEXT = "text"
    UUID = "uuid"


@dataclass(frozen=True, slots=True)
class Search:
    """The search that a token belongs to. In a search with another filter or order it would skip or repeat rows.

    In searches of logged models the token also belongs to the experiments, as in MLflow, and to the
    datasets.
    """

    noun: str
    filter: str
    order_by: tuple[str, ...]
    experiment_ids: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Return the noun and a digest of each part. It prevents mix-ups, not forgery."""
        parts: tuple[str | tuple[str, ...], ...] = (
            self.experiment_ids,
            self.filter,
            self.order_by,
            self.datasets,
        )
        return ".".join((self.noun, *map(_digest, parts)))

    def refusal(self, fingerprint: str) -> DomainError | None:
        """Return MLflow's error for a token of another search of the same noun; None if no part differs."""
        parts = (
            ("Experiment IDs in the page token do", "experiment IDs", list(self.experiment_ids)),
            ("Filter string in the page token does", "filter string", self.filter or None),
            ("Order by in the page token does", "order by", list(self.order_by)),
            ("Datasets in the page token do", "datasets", list(self.datasets)),
        )
        for (which, name, value), own, others in zip(
            parts, self.fingerprint.split(".")[1:], fingerprint.split(".")[1:], strict=False
        ):
            if own != others:
                return invalid(f"{which} not match the requested {name}. Expected: {value!s:.200}")
        return None


def _digest(part: str | tuple[str, ...]) -> str:
    length = len(part) if isinstance(part, str) else sum(len(each) + 1 for each in part)
    return (_digest_once if length <= LONGEST_REMEMBERED else _digest_anew)(part)


def _digest_anew(part: str | tuple[str, ...]) -> str:
    return hashlib.blake2b(json.dumps(part).encode(), digest_size=6).hexdigest()


_digest_once = lru_cache(MOST_REMEMBERED)(_digest_anew)


def encode_token(search: Search, key: Sequence[KeyValue]) -> str:
    """Return the token of the page that starts after the row with this key."""
    values = [value.hex if isinstance(value, UUID) else value for value in key]
    text = _COMPACT.encode([search.fingerprint, *values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_token(
    search: Search, token: str | None, types: Sequence[KeyType]
) -> tuple[KeyValue, ...] | None:
    """Return the key to start after, or None when there is no token.

    Raises DomainError(INVALID_PARAMETER_VALUE), in MLflow's words, for a token that `encode_token`
    did not make for the same search.
    """
    if not token:
        return None
    parsed = load_token(token)
    if not isinstance(parsed, list) or not parsed or not isinstance(parsed[0], str):
        raise wrong_token(parsed)
    if parsed[0] != search.fingerprint:
        same_noun = parsed[0].startswith(f"{search.noun}.")
        raise (search.refusal(parsed[0]) if same_noun else None) or wrong_token(parsed)
    if len(parsed) != len(types) + 1:
        raise wrong_token(parsed)
    return tuple(
        _value(value, expected, parsed) for value, expected in zip(parsed[1:], types, strict=True)
    )


def load_token(token: str) -> object:
    """Read the JSON of a token. Raises DomainError(INVALID_PARAMETER_VALUE) in MLflow's words."""
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
    # In Python a bool is an int, but no key contains one.
    if isinstance(value, bool):
        raise wrong_token(parsed)
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
            raise wrong_token(parsed) from None
    raise wrong_token(parsed)


def _storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def wrong_token(parsed: object) -> DomainError:
    """Return MLflow's error for a token that is JSON but was not made here."""
    return invalid(f"Invalid page token, parsed value={parsed!r:.200}")
