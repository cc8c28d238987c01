"""The context of log lines: each line names the messages that are being handled.

Messages are bound for each frame and each command, so binding is cheap: their fields are read only when a
line is written.
"""

from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final, Protocol

REQUEST_IDS_SHOWN: Final = 20
"""Request ids in one line at most: a frame may hold hundreds of commands."""


class LoggedMessage(Protocol):
    """The fields of an envelope that log lines name."""

    @property
    def request_id(self) -> str:
        """The id of the HTTP request that the message belongs to."""

    @property
    def project(self) -> int:
        """The number of the project that the message is about."""

    @property
    def name(self) -> str:
        """The name of the message's contract."""

    @property
    def traceparent(self) -> str:
        """W3C's trace context; empty without tracing."""


request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The HTTP request that the gateway is answering."""

messages: ContextVar[Sequence[LoggedMessage]] = ContextVar("messages", default=())
"""The messages that are being handled. A task that ends with them sets it; otherwise ``bound_messages`` does."""


class bound_messages:  # noqa: N801  # It reads as the statement that it makes.
    """``with bound_messages(envelopes):`` binds messages to all log lines that are written in the block."""

    __slots__ = ("_messages", "_token")

    def __init__(self, handled: Sequence[LoggedMessage]) -> None:
        self._messages = handled

    def __enter__(self) -> None:
        self._token: Token[Sequence[LoggedMessage]] = messages.set(self._messages)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # An abandoned coroutine is closed by the garbage collector, in the context of another task. The
        # reset then raises ValueError. Nothing is left to undo: the coroutine's own context is gone.
        with suppress(ValueError):
            messages.reset(self._token)


def add_context(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the bound messages to a log line (a structlog processor). The line's own fields stay."""
    for name, value in _context(messages.get()).items():
        line.setdefault(name, value)
    return line


def _context(handled: Sequence[LoggedMessage]) -> dict[str, object]:
    if not handled:
        here = request_id.get()
        return {"request_id": here} if here else {}
    if len(handled) == 1:
        [message] = handled
        trace = {"trace_id": message.traceparent.split("-")[1]} if message.traceparent else {}
        return {
            "request_id": message.request_id,
            "project": message.project,
            "message": message.name,
            **trace,
        }
    return {
        "request_ids": [each.request_id for each in handled[:REQUEST_IDS_SHOWN]],
        "projects": sorted({each.project for each in handled}),
        "messages": sorted({each.name for each in handled}),
    }
