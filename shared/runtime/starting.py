"""Errors at the start of a process: it exits with code 1 and a sentence on stderr, without a traceback."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shared.runtime.redaction import redact

log = logging.getLogger(__name__)


class StartError(Exception):
    """Explains to the person who starts a process why it can't start: what, why, and what to do."""


@contextmanager
def starting() -> Iterator[None]:
    """Turn errors with a known cause into StartError. Other errors are faults of Warren, and pass through.

    Parts that start in parallel may fail together: each error of an exception group becomes a line.
    """
    # Not `except*`: a `sys.exit` in it would raise a group that holds a SystemExit, and Python would then
    # print a traceback.
    try:
        yield
    except Exception as error:
        causes = list(_causes(error))
        if all(isinstance(cause, OSError | StartError) for cause in causes):
            lines = dict.fromkeys(reason_of(cause) for cause in causes)
            raise StartError("\n".join(lines)) from error
        raise


@contextmanager
def exit_on_start_error(process: str) -> Iterator[None]:
    """Exit with the sentences of a StartError. ``process`` is the name of the process in them."""
    try:
        yield
    except StartError as error:
        log.debug("start_failed", exc_info=error)
        sys.exit("\n".join(f"{process} can't start: {line}" for line in _lines(error)))


def reason_of(error: Exception) -> str:
    """Return an error's reason in words, without Python's error numbers and quotes, and without secrets."""
    if isinstance(error, TimeoutError) and not error.args:
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return redact(f"{place}{error.strerror}")
    return redact(str(error)) or type(error).__name__


def _causes(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    else:
        yield error


def _lines(error: StartError) -> list[str]:
    return str(error).splitlines()
