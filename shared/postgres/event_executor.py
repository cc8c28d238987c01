"""Takes notice of events on PostgreSQL, each exactly once."""

import asyncpg
from asyncpg import Pool, Record

from shared.messaging.events import ReceivedEvent
from shared.messaging.worker import RetryLaterError
from shared.postgres import inbox, outbox
from shared.postgres.connection import AnyConnection
from shared.postgres.executor import (
    DATABASE_FULL,
    DATABASE_UNAVAILABLE,
    MAX_ATTEMPTS,
    TRANSACTION_CONFLICTS,
)
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.transaction import Transaction


class EventExecutor:
    """The ``EventProcessor`` of a service that keeps its state in PostgreSQL.

    The event's id goes to the inbox in the handler's own transaction: an event that comes again,
    because its relay or this process died at the wrong moment, finds it there.
    """

    def __init__(self, pool: "Pool[Record]", handlers: PostgresHandlers) -> None:
        self._pool = pool
        self._handlers = handlers.topics

    async def event(self, event: ReceivedEvent) -> None:
        """Handle an event once; one that nobody here asked for (any more) is passed over.

        Raises RetryLaterError if the database is away or full. Whatever else is raised makes the event a
        dead letter.
        """
        if event.topic not in self._handlers:
            return
        try:
            async with self._pool.acquire() as connection:
                await self._once(connection, event)
        except (*DATABASE_UNAVAILABLE, *DATABASE_FULL) as error:
            raise RetryLaterError(repr(error)) from error

    async def _once(self, connection: AnyConnection, event: ReceivedEvent) -> None:
        for attempt in range(MAX_ATTEMPTS):
            if event.id in await inbox.find(connection, [event.id]):
                return
            try:
                await self._handle(connection, event)
            except (asyncpg.UniqueViolationError, *TRANSACTION_CONFLICTS):
                # Perhaps a copy of the event was faster; the inbox tells.
                if attempt + 1 == MAX_ATTEMPTS:
                    raise
            else:
                return

    async def _handle(self, connection: AnyConnection, event: ReceivedEvent) -> None:
        contract, handler = self._handlers[event.topic]
        envelope = event.as_message()
        tx = Transaction(event.project, envelope, connection=connection)
        async with connection.transaction():
            await handler(contract.parse(event.payload), tx)
            if tx.events:
                await outbox.append(connection, tx.events)
            await inbox.store(connection, {event.id: {}})
