"""Carries out the messages of a service on PostgreSQL, each command exactly once.

The fast path runs a whole frame in one transaction (``frame_transactions``). The frame is rolled back if the
database refuses the transaction, or if a command is refused after it has written. Then the commands run one by
one (``one_by_one``). Queries have no transaction (``query_executor``).
"""

import asyncio

import asyncpg
import structlog
from asyncpg import Pool, Record

from shared.messaging.calls import Bus
from shared.messaging.messages import Answer, Envelope, Frame
from shared.messaging.processor import Outcome, RetryLaterError
from shared.postgres import inbox
from shared.postgres.connection import AnyConnection
from shared.postgres.database_errors import (
    DATABASE_FULL,
    DATABASE_IS_FULL,
    DATABASE_UNAVAILABLE,
    MAX_ATTEMPTS,
    TRANSACTION_CONFLICTS,
)
from shared.postgres.early_events import with_early_events
from shared.postgres.environment import Environment
from shared.postgres.frame_transactions import FrameTransactions, RunOneByOneError
from shared.postgres.handlers import Contention, PostgresHandlers
from shared.postgres.one_by_one import carry_out_one_by_one
from shared.postgres.query_executor import QueryExecutor
from shared.postgres.replicas import Replicas

log = structlog.get_logger()


class Executor:
    """The ``Processor`` of a service that keeps its state in PostgreSQL."""

    def __init__(
        self,
        pool: "Pool[Record]",
        handlers: PostgresHandlers,
        bus: Bus | None = None,
        replicas: Replicas | None = None,
        *,
        query_timeout: float = 25.0,
    ) -> None:
        """``bus`` sends to services of ``topology.ASKS``; queries run on ``replicas`` where they may, in so many seconds."""
        self._pool = pool
        self.environment = Environment(with_early_events(handlers), bus)
        self.queries = QueryExecutor(pool, self.environment, replicas, query_timeout)
        self.transactions = FrameTransactions(self.environment)

    @property
    def events_committed(self) -> asyncio.Event:
        """Set when events were committed to the outbox. The relay clears it."""
        return self.transactions.events_committed

    async def close(self) -> None:
        """Cancel the deferred work, and disconnect from the replicas. No query runs any more."""
        await self.queries.close()

    async def query(self, envelope: Envelope) -> Answer:
        """Answer one query; never raises."""
        return await self.queries.answer(envelope)

    async def commands(self, frame: Frame, *, redelivered: bool) -> Outcome:
        """Carry out a command frame exactly once. Raises RetryLaterError."""
        try:
            async with self._pool.acquire() as connection:
                return await self._once(connection, frame, check_inbox=redelivered)
        except DATABASE_UNAVAILABLE as error:
            raise RetryLaterError(repr(error)) from error
        except DATABASE_FULL as error:
            # No retry from here: the sender decides when to send the commands again. Retried until there
            # is room, they would become dead letters, or be carried out long after they were wanted.
            log.error("database_full", error=repr(error))  # noqa: TRY400
            return Outcome(dict.fromkeys(range(len(frame.envelopes)), DATABASE_IS_FULL))

    async def _once(self, connection: AnyConnection, frame: Frame, *, check_inbox: bool) -> Outcome:
        for _ in range(MAX_ATTEMPTS):
            # Only a frame that may have been here before is looked up first. For a new one that would be
            # a round trip for nothing: if a copy of it is at work, storing its inbox row fails below.
            if check_inbox:
                known = await inbox.find(connection, [frame.id])
                if frame.id in known:
                    answers = known[frame.id]
                    if answers is not None:
                        return Outcome(answers)
                    break  # Begun one by one: finish it in the same way.
            try:
                return await self.transactions.carry_out(connection, frame)
            except asyncpg.UniqueViolationError:
                # Perhaps a copy of the frame, or of a command with the same Idempotency-Key, has committed.
                check_inbox = True
            except TRANSACTION_CONFLICTS:
                continue
            except (*DATABASE_UNAVAILABLE, *DATABASE_FULL):
                raise
            except (RunOneByOneError, Contention):
                break
            except Exception:
                # Running one by one finds the command that caused this, and saves the others.
                log.exception("frame_rolled_back", frame=frame.id.hex, size=len(frame.envelopes))
                break
        return await carry_out_one_by_one(self.transactions, connection, frame)
