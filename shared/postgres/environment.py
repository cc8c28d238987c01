"""The handlers, services, clock and projects that the frames and the queries of a service use."""

import time
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from shared.messaging.calls import Bus
from shared.postgres.clock import Clock
from shared.postgres.connection import AnyConnection
from shared.postgres.handlers import PostgresHandlers


@dataclass(slots=True)
class Environment:
    """``bus`` sends to services of ``topology.ASKS``. ``prepared`` are the projects whose initial rows exist."""

    handlers: PostgresHandlers
    bus: Bus | None = None
    clock: Clock = time.time
    prepared: set[int] = field(default_factory=set)

    async def prepare(self, connection: AnyConnection, projects: AbstractSet[int]) -> None:
        """Create the initial rows of those projects that are new to this process.

        It runs outside a frame's transaction, so it stays done if the frame is rolled back.
        """
        new = set(projects - self.prepared)
        if self.handlers.prepare:
            await self.handlers.prepare(connection, new)
        self.prepared |= new
