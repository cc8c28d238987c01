"""Where a process that is composed may be traced. ``Tracing`` itself does not; ``spans`` does."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from shared.messaging.calls import Bus
from shared.messaging.worker import EventProcessor, Processor

R = TypeVar("R")

Work = Callable[[], Awaitable[R]]

QueryLogger = Callable[[Any], None]
"""What asyncpg calls with its ``LoggedQuery`` after each statement."""


class Tracing:
    """Traces nothing: what it is given comes back as it is."""

    on = False

    query_logger: QueryLogger | None = None
    """For each connection to a database."""

    def bus(self, bus: Bus) -> Bus:
        """Return the bus that sends the trace along with each call."""
        return bus

    def processor(self, processor: Processor, _service: str) -> Processor:
        """Return the processor whose work is part of its messages' traces."""
        return processor

    def events(self, events: EventProcessor, _service: str) -> EventProcessor:
        """Return the processor of events whose work is part of the traces that they come from."""
        return events

    async def outgoing(self, _name: str, _attributes: Mapping[str, str], work: Work[R]) -> R:
        """Ask another server for something by ``work``, as part of what is traced right now."""
        return await work()

    async def request(
        self,
        _method: str,
        _route: str,
        _headers: Mapping[str, str],
        work: Work[R],
        _status: Callable[[R], int],
    ) -> R:
        """Answer an HTTP request by ``work``; ``status`` reads the answer's."""
        return await work()

    def close(self) -> None:
        """Send what has not been sent."""


OFF = Tracing()
