"""The protocol of a dialect. ``MLflow`` and ``GitLab`` implement it."""

from collections.abc import Awaitable, Callable
from typing import ClassVar, Protocol

from aiohttp.web import BaseRequest

from services.gateway.dialects.refusal import Refusal
from services.gateway.http.requests import BodyLimit
from shared.contracts.errors import DomainError
from shared.contracts.message import Message

Read = Callable[[BaseRequest], Awaitable[bytes]]
"""Returns the JSON of a request's parameters. Raises DomainError."""


class Dialect(Protocol):
    """The way in which the same commands and queries are written in HTTP."""

    name: ClassVar[str]
    """The name in envelopes, by which services choose their own dialect."""

    def refuse(self, error: DomainError) -> Refusal:
        """Return an error as an answer of this dialect."""

    def reader(self, contract: type[Message], limit: BodyLimit) -> Read:
        """Return the function that reads a contract's parameters from a request."""
