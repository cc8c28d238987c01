"""Structured logs: one JSON object a line on stderr, constant event names, data in fields."""

import contextlib
import json
import logging
import sys
from types import TracebackType
from typing import Any, TextIO

import structlog
import structlog.typing

from shared.runtime.log_context import add_context
from shared.runtime.redaction import redact

_RENDER = structlog.processors.JSONRenderer()


def render(logger: Any, method: str, line: structlog.typing.EventDict) -> str:
    """Write a line as JSON, without secrets."""
    return redact(str(_RENDER(logger, method, line)))


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that says where a line could not be made, and not, as Python's, of which values."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Write a line that can always be made; nothing, if there is no place for one any more."""
        lost = {"event": "log_line_lost", "where": f"{record.pathname}:{record.lineno}"}
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(json.dumps(lost) + self.terminator)


def configure_logging(service: str, level: str = "INFO") -> None:
    """Send structlog's and the standard library's records through one JSON renderer.

    ``service`` is bound to every line. ``level`` is a standard level name.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_context,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=render, foreign_pre_chain=shared)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # aiormq reports each refused connection attempt itself; the transport logs one line instead.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger("aio_pika").setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(service=service)
    sys.excepthook = _log_the_last_exception


def _log_the_last_exception(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Write what ends the process as a line like any other, and so without secrets."""
    exc_info = (kind, error, traceback)
    logging.getLogger().critical("process_failed", exc_info=exc_info)
