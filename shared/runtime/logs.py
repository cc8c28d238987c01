"""Structured logs on stderr: one JSON object per line, constant event names, data in fields."""

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
    """Return a line as JSON, without secrets."""
    return redact(str(_RENDER(logger, method, line)))


class _Handler(logging.StreamHandler[TextIO]):
    """A handler for lines that can't be written. It logs their place in the code, but not their values.

    Python's own handler prints the values, which may hold secrets.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Write a line that names the place of the lost one. Do nothing if the stream is closed."""
        lost = {"event": "log_line_lost", "where": f"{record.pathname}:{record.lineno}"}
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(json.dumps(lost) + self.terminator)


def configure_logging(service: str, level: str = "INFO") -> None:
    """Write the records of structlog and of the standard library through one JSON renderer.

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
    # aiormq logs each refused connection attempt. The transport logs one line for it already.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger("aio_pika").setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(service=service)
    sys.excepthook = _log_the_last_exception


def _log_the_last_exception(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Log the exception that ends the process. As a log line it holds no secrets."""
    exc_info = (kind, error, traceback)
    logging.getLogger().critical("process_failed", exc_info=exc_info)
