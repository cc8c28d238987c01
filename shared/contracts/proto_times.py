"""Times of MLflow 3's protos: ``google.protobuf.Timestamp`` and ``Duration`` in proto-JSON, as milliseconds.

A timestamp is a text of RFC 3339, such as ``2026-01-31T12:00:00.123Z``; a duration is a text such as ``1.5s``.
Services count milliseconds, as MLflow's entities do. An integer is taken as milliseconds, so that a message that one
service has written is read by another.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s")
_LONGEST = 64
LATEST = 253_402_300_799_999
"""Milliseconds of the last moment that a protobuf's timestamp can hold: the end of the year 9999."""


def read_timestamp(value: Any) -> Any:
    """Return the milliseconds of a timestamp's text. Other values are left to pydantic. Raises ValueError."""
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST:
        message = "too long for a timestamp"
        raise ValueError(message)
    moment = datetime.fromisoformat(_with_microseconds(value))
    if moment.tzinfo is None:
        message = "a timestamp needs a time zone"
        raise ValueError(message)
    return (moment - _EPOCH) // _MILLISECOND


def read_duration(value: Any) -> Any:
    """Return the milliseconds of a duration's text. Other values are left to pydantic. Raises ValueError."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value)
    if found is None:
        message = "not a duration"
        raise ValueError(message)
    sign, seconds, fraction = found.groups()
    milliseconds = int(seconds) * 1000 + int((fraction or "").ljust(9, "0")) // 1_000_000
    return -milliseconds if sign else milliseconds


def write_timestamp(milliseconds: int) -> str:
    """Return the text of a moment, as ``read_timestamp`` reads it."""
    moment = _EPOCH + milliseconds * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_duration(milliseconds: int) -> str:
    """Return the text of a duration, as ``read_duration`` reads it."""
    sign = "-" if milliseconds < 0 else ""
    seconds, rest = divmod(abs(milliseconds), 1000)
    return f"{sign}{seconds}.{rest:03}s" if rest else f"{sign}{seconds}s"


def _with_microseconds(text: str) -> str:
    """Cut a fraction of more than six digits: a protobuf's timestamp has nine."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


# Clients send texts. The schema names no integers, so that the OpenAPI document tells them so.
Timestamp = Annotated[
    int,
    Field(strict=True, ge=0, le=LATEST),
    BeforeValidator(read_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Duration = Annotated[
    int,
    Field(strict=True, ge=-LATEST, le=LATEST),
    BeforeValidator(read_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION.pattern, "examples": ["1.5s"]}),
]
