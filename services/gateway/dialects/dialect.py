"""What a dialect decides; each module beside this one is one."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp.web import BaseRequest

from services.gateway.dialects.refusal import Refusal
from services.gateway.http.requests import BodyLimit
from shared.contracts.errors import DomainError
from shared.contracts.message import Message

Read = Callable[[BaseRequest], Awaitable[bytes]]
"""From a request to the JSON of its parameters. Raises DomainError."""


class Dialect(Protocol):
    """A way to speak HTTP about the same commands and queries."""

    def refuse(self, error: DomainError) -> Refusal:
        """Return an error in this dialect's envelope."""

    def reader(self, contract: type[Message], limit: BodyLimit) -> Read:
        """Make what finds a contract's parameters in a request."""
