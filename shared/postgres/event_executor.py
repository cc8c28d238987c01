"""Handles events on PostgreSQL, each exactly once."""

import asyncpg
from asyncpg import Pool, Record

from shared.messaging.events import ReceivedEvent
from shared.messaging.processor import RetryLaterError
from shared.postgres import inbox, outbox
from shared.postgres.connection import AnyConnection
from shared.postgres.database_errors import (
    DATABASE_FULL,
    DATABASE_UNAVAILABLE,
    MAX_ATTEMPTS,
    TRANSACTION_CONFLICTS,
)
from shared.postgres.handlers import PostgresHandlers
from shared.postgres.transaction import Transaction


class EventExecutor:
    """The ``EventProcessor`` of a service that keeps its state in PostgreSQL.

    The event's id is written to the inbox in the handler's own transaction. An event may arrive again,
    because its relay or this process died before it was acknowledged. Then its id is found there.
    """

    def __init__(self, pool: "Pool[Record]", handlers: PostgresHandlers) -> None:
        self._pool = pool
        self._handlers = handlers.topics

    async def event(self, event: ReceivedEvent) -> None:
        """Handle an event once.

        Raises RetryLaterError if the database is unavailable or full. Any other error makes the event a
        dead letter.
        """
        # A queue may still hold events of a topic that this release no longer handles.
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
                # Perhaps another worker handled a copy of the event; the next look into the inbox shows it.
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
