"""A process that can't start: it leaves with code 1 and a sentence on stderr, not with a traceback."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shared.runtime.redaction import redact

log = logging.getLogger(__name__)


class StartError(Exception):
    """What keeps a process from starting, for the person who starts it: what, why, and what to do."""


@contextmanager
def starting() -> Iterator[None]:
    """Turn errors that have a known cause into StartError; others are faults of ours and stay.

    What is started side by side fails side by side: each error in a group is a line. (``sys.exit``
    in an ``except*`` would leave with a group that holds a SystemExit, and so with a traceback.)
    """
    try:
        yield
    except Exception as error:
        causes = list(_causes(error))
        if all(isinstance(cause, OSError | StartError) for cause in causes):
            lines = dict.fromkeys(sentence(cause) for cause in causes)
            raise StartError("\n".join(lines)) from error
        raise


@contextmanager
def explained(process: str) -> Iterator[None]:
    """Leave with the sentence of a StartError; ``process`` is the name of what could not start."""
    try:
        yield
    except StartError as error:
        log.debug("start_failed", exc_info=error)
        sys.exit("\n".join(f"{process} can't start: {line}" for line in _lines(error)))


def sentence(error: Exception) -> str:
    """Say what an error is about; Python's own numbers and quotes tell a newcomer nothing."""
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
