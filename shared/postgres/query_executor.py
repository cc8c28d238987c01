"""Answers queries on PostgreSQL: on a read replica where one may answer, else on the primary."""

from functools import partial
from typing import TypeAlias

import structlog
from asyncpg import Pool, Record

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message
from shared.handling import dispatch
from shared.messaging.messages import Answer, Envelope
from shared.postgres.clock import time_of_deadlines
from shared.postgres.connection import AnyConnection
from shared.postgres.database_errors import DATABASE_FULL, DATABASE_IS_FULL, DATABASE_UNAVAILABLE
from shared.postgres.deferred import Backlog
from shared.postgres.environment import Environment
from shared.postgres.query_shares import QueryShares
from shared.postgres.replica import UsePrimaryError
from shared.postgres.replicas import Replicas
from shared.postgres.time_limit import in_time
from shared.postgres.transaction import DeferredWork, Transaction
from shared.runtime.log_context import bound_messages

log = structlog.get_logger()

_QueryAnswer: TypeAlias = tuple[Answer, dict[str, DeferredWork]]
"""The answer to a query, and the work that it defers."""


class QueryExecutor:
    """Answers the queries of a service, each in ``timeout`` seconds."""

    def __init__(
        self,
        pool: "Pool[Record]",
        environment: Environment,
        replicas: Replicas | None,
        timeout: float,
    ) -> None:
        self._pool = pool
        self._environment = environment
        self._replicas = replicas
        self._timeout = timeout
        self._messages = environment.handlers.messages
        self._shares = QueryShares(pool.get_max_size())
        self.backlog = Backlog(pool)

    async def close(self) -> None:
        """Cancel the deferred work, and disconnect from the replicas. No query runs any more."""
        await self.backlog.close()
        if self._replicas:
            await self._replicas.close()

    async def answer(self, envelope: Envelope) -> Answer:
        """Answer one query; never raises."""
        with bound_messages((envelope,)):
            return await self._answer(envelope)

    async def _answer(self, envelope: Envelope) -> Answer:
        try:
            message = dispatch.parse(self._messages, envelope)
            found = await self._from_replica(envelope, message) if self._replicas else None
            answer, deferred = found or await self._from_primary(envelope, message)
            self.backlog.add(deferred)
            return answer  # noqa: TRY300 - the work is added only if there is an answer
        except DomainError as error:
            return Answer.refusal(error)
        except DATABASE_UNAVAILABLE as error:
            log.warning("query_without_database", error=repr(error))
            return Answer(b"The database can't be reached.", ErrorCode.TEMPORARILY_UNAVAILABLE)
        except DATABASE_FULL as error:
            log.error("database_full", error=repr(error))  # noqa: TRY400
            return DATABASE_IS_FULL
        except Exception:
            return dispatch.internal_error()

    async def _from_primary(self, envelope: Envelope, message: Message) -> _QueryAnswer:
        await self._shares.take(envelope.project, type(message))
        try:
            return await self._on_primary(envelope, message)
        finally:
            self._shares.give_back(envelope.project, type(message))

    async def _on_primary(self, envelope: Envelope, message: Message) -> _QueryAnswer:
        async with self._pool.acquire() as connection:
            if envelope.deadline <= await time_of_deadlines(
                connection, [envelope], self._environment.clock
            ):
                raise dispatch.expired()
            if envelope.project not in self._environment.prepared:
                await self._environment.prepare(connection, {envelope.project})
            return await self.run(envelope, message, connection)

    async def _from_replica(self, envelope: Envelope, message: Message) -> _QueryAnswer | None:
        """Answer a query from a read replica; None if the primary must answer it."""
        if self._replicas is None:
            return None
        # On a replica no rows of a project can be created, and its clock does not count (ADR 61).
        handlers = self._environment.handlers
        prepared = handlers.prepare is None or envelope.project in self._environment.prepared
        late = envelope.deadline <= self._environment.clock()
        if type(message) in handlers.primary_only or late or not prepared:
            self._replicas.passed_over()
            return None
        try:
            return await self._replicas.read(partial(self.run, envelope, message))
        except UsePrimaryError:
            return None

    async def run(
        self, envelope: Envelope, message: Message, connection: AnyConnection
    ) -> _QueryAnswer:
        """Run a query's handler on a connection. Raises DomainError, also if it takes too long."""
        # Without a transaction block: each statement of a query has its own snapshot, and the query saves
        # the round trips of BEGIN and COMMIT.
        tx = Transaction(envelope.project, envelope, self._environment.bus, connection=connection)
        handled = self._environment.handlers.single[type(message)](message, tx)
        answer = dispatch.answer(await in_time(handled, self._timeout))
        return answer, tx.deferred
