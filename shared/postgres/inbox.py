"""The inbox: what was done already, and what was answered.

Its rows are written in the transaction that did the work, so a frame that comes again (a worker
killed between commit and ack, a gateway that asks again after a reconnection, a client that
repeats its ``Idempotency-Key``) is answered and not carried out.
"""

from collections.abc import Mapping
from uuid import UUID, uuid5

from shared.messaging.messages import (
    Answer,
    Answers,
    Envelope,
    decode_answers,
    encode_answers,
)
from shared.postgres.connection import AnyConnection
from shared.postgres.queries import load_queries
from shared.runtime.metrics import INBOX_HITS

SQL = load_queries("shared.postgres.sql", "inbox")

IDEMPOTENCY_KEYS = UUID("0a7dd1a6-2a3c-5bb1-9a3c-6f2f6f1d3c51")
"""Namespace (RFC 9562, version 5) of inbox ids that derive from ``Idempotency-Key`` headers."""


def key_id(envelope: Envelope) -> UUID | None:
    """Return the inbox id of a client's ``Idempotency-Key``: the project's, user's, dialect's and route's.

    The key may hold slashes, so it comes last; nothing before it can.
    """
    if envelope.idempotency_key is None:
        return None
    user = "" if envelope.user_id is None else envelope.user_id
    scope = f"{envelope.project}/{user}/{envelope.dialect}/{envelope.name}"
    return uuid5(IDEMPOTENCY_KEYS, f"{scope}/{envelope.idempotency_key}")


async def find(connection: AnyConnection, ids: list[UUID]) -> dict[UUID, dict[int, Answer] | None]:
    """Return what is known of the ids; None as a value means begun in pieces."""
    rows = await connection.fetch(SQL["find"], ids)
    INBOX_HITS.inc(len(rows))
    return {
        row["id"]: None if row["replies"] is None else decode_answers(row["replies"])
        for row in rows
    }


async def store(connection: AnyConnection, rows: Mapping[UUID, Answers]) -> None:
    """Store answers in the work's own transaction. Raises asyncpg.UniqueViolationError."""
    encoded = [encode_answers(answers) for answers in rows.values()]
    await connection.execute(SQL["store"], list(rows), encoded)


async def begin_in_pieces(connection: AnyConnection, frame_id: UUID) -> None:
    """Mark a frame, so that no copy of it is carried out as a whole."""
    await connection.execute(SQL["begin_in_pieces"], frame_id)


async def finish_in_pieces(connection: AnyConnection, frame_id: UUID, answers: Answers) -> None:
    """Store the answers of a frame that was carried out one by one."""
    await connection.execute(SQL["finish_in_pieces"], frame_id, encode_answers(answers))
