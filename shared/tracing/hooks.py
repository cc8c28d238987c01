"""The places where a process can be traced. ``Tracing`` traces nothing; ``spans`` has a subclass that does."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from shared.messaging.calls import Bus
from shared.messaging.processor import EventProcessor, Processor

R = TypeVar("R")

Work = Callable[[], Awaitable[R]]

QueryLogger = Callable[[Any], None]
"""A function that asyncpg calls with a ``LoggedQuery`` after each statement."""


class Tracing:
    """Traces nothing. Every method returns its argument, or the result of its work, unchanged."""

    on = False

    query_logger: QueryLogger | None = None
    """Added to each connection to a database; None adds nothing."""

    def bus(self, bus: Bus) -> Bus:
        """Return a bus that sends the trace with each call."""
        return bus

    def processor(self, processor: Processor, _service: str) -> Processor:
        """Return a processor whose work is part of its messages' traces."""
        return processor

    def events(self, events: EventProcessor, _service: str) -> EventProcessor:
        """Return a processor whose work is part of its events' traces."""
        return events

    async def outgoing(self, _name: str, _attributes: Mapping[str, str], work: Work[R]) -> R:
        """Run ``work``, which calls another server, as a part of the current trace."""
        return await work()

    async def request(
        self,
        _method: str,
        _route: str,
        _headers: Mapping[str, str],
        work: Work[R],
        _status: Callable[[R], int],
    ) -> R:
        """Run ``work``, which answers an HTTP request; ``status`` returns an answer's status."""
        return await work()

    def close(self) -> None:
        """Send the spans that are not sent yet."""


OFF = Tracing()
