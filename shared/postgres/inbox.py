"""The inbox: the ids of the work that is done, with its answers.

A row is written in the transaction of the work. So repeated work is answered from the inbox and not
carried out again. Work repeats when a worker is killed between commit and acknowledgement, when a gateway
sends its frames again after a reconnection, and when a client repeats its ``Idempotency-Key``.
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
    """Return the inbox id of a client's ``Idempotency-Key``, or None without a key.

    The key counts for one project, user, dialect and type of message. It may hold slashes, so it comes
    last; the parts before it hold none.
    """
    if envelope.idempotency_key is None:
        return None
    user = "" if envelope.user_id is None else envelope.user_id
    scope = f"{envelope.project}/{user}/{envelope.dialect}/{envelope.name}"
    return uuid5(IDEMPOTENCY_KEYS, f"{scope}/{envelope.idempotency_key}")


async def find(connection: AnyConnection, ids: list[UUID]) -> dict[UUID, dict[int, Answer] | None]:
    """Return the stored answers by id. None means that the frame was begun one by one."""
    rows = await connection.fetch(SQL["find"].sql, ids)
    INBOX_HITS.inc(len(rows))
    return {
        row["id"]: None if row["replies"] is None else decode_answers(row["replies"])
        for row in rows
    }


async def store(connection: AnyConnection, rows: Mapping[UUID, Answers]) -> None:
    """Store answers, in the work's own transaction. Raises asyncpg.UniqueViolationError for a known id."""
    encoded = [encode_answers(answers) for answers in rows.values()]
    await connection.execute(SQL["store"].sql, list(rows), encoded)


async def begin_one_by_one(connection: AnyConnection, frame_id: UUID) -> None:
    """Mark a frame as begun one by one, so that no copy of it is carried out as a whole."""
    await connection.execute(SQL["begin_one_by_one"].sql, frame_id)


async def finish_one_by_one(connection: AnyConnection, frame_id: UUID, answers: Answers) -> None:
    """Store the answers of a frame that was carried out one by one."""
    await connection.execute(SQL["finish_one_by_one"].sql, frame_id, encode_answers(answers))
