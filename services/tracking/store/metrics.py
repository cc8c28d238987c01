"""Histories of metrics, as JSON."""

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from services.tracking.store.blocks import WORTH_BLOCKS
from shared.mlflow.search.page_token import load_token, wrong_token
from shared.postgres.queries import load_queries
from shared.postgres.transaction import Transaction

SQL = load_queries("services.tracking.sql", "metrics")

SAMPLES = load_queries("services.tracking.sql", "samples")

BIGINT = range(-(2**63), 2**63)
"""The values of PostgreSQL's bigint and of protobuf's int64."""

_LIMITS = range(1, 2**31)


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a history: after the point with these values."""

    timestamp: int
    step: int
    value: float

    def token(self) -> str:
        """Return the page token of this position."""
        text = json.dumps([self.timestamp, self.step, self.value])
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def parse(cls, token: str) -> Self:
        """Read a page token. Raises DomainError(INVALID_PARAMETER_VALUE)."""
        parsed = load_token(token)
        match parsed:
            case [int(timestamp), int(step), int() | float() as value]:
                if timestamp in BIGINT and step in BIGINT:
                    with suppress(OverflowError):
                        return cls(timestamp, step, float(value))
        raise wrong_token(parsed)


START = Place(BIGINT.start, BIGINT.start, float("-inf"))


@dataclass(frozen=True, slots=True)
class Remainder:
    """The rest of a history that is not answered yet: the points after a place, at most ``limit``; None: all."""

    after: Place
    limit: int | None

    def token(self) -> str:
        """Return the continuation (``shared/mlflow/parts.py``) that leads here."""
        text = json.dumps([self.after.token(), self.limit])
        return base64.urlsafe_b64encode(text.encode()).decode()

    @classmethod
    def parse(cls, token: str) -> Self:
        """Read a continuation. Raises DomainError(INVALID_PARAMETER_VALUE)."""
        parsed = load_token(token)
        match parsed:
            case [str(after), None]:
                return cls(Place.parse(after), None)
            case [str(after), int() as limit] if limit in _LIMITS and limit is not True:
                return cls(Place.parse(after), limit)
        raise wrong_token(parsed)


@dataclass(frozen=True, slots=True)
class Page:
    """Points as JSON objects, comma-separated, and the place of the last one; None on the last page.

    ``unsettled``: whether the series is worth blocks (``store.blocks``) that it does not have.
    """

    points: bytes
    next: Place | None
    unsettled: bool


async def history(tx: Transaction, run_id: str, key: str, after: Place, limit: int) -> Page:
    """Return a page of at most ``limit`` points, ordered by timestamp, step and value."""
    row = await tx.row(
        SQL["history"],
        tx.project,
        run_id,
        key,
        after.timestamp,
        after.step,
        after.value,
        limit,
        WORTH_BLOCKS,
    )
    if row is None:
        return Page(b"", None, unsettled=False)
    following = None
    if row["more"]:
        following = Place(row["timestamp"], row["step"], row["value"])
    return Page(row["json"], following, row["unsettled"])


async def history_bulk(tx: Transaction, run_ids: Sequence[str], key: str, limit: int) -> bytes:
    """Return points of several runs as JSON objects, comma-separated."""
    text: bytes = await tx.value(SQL["history_bulk"], tx.project, run_ids, key, limit)
    return text


async def history_sampled(
    tx: Transaction, run_ids: Sequence[str], key: str, limit: int, steps: range
) -> tuple[bytes, list[UUID]]:
    """Return at most ``limit`` points of each run as JSON objects, comma-separated.

    Also the runs whose series are worth blocks (``store.blocks``) that they do not have.
    """
    row = await tx.row(
        SAMPLES["sampled"],
        tx.project,
        run_ids,
        key,
        limit,
        steps.start,
        steps.stop - 1,
        WORTH_BLOCKS,
    )
    return (row["json"], row["unsettled"]) if row else (b"", [])
