"""Rules for names and lengths that several services share, in the words of MLflow.

Source: ``mlflow/utils/validation.py``.
"""

import posixpath
import re
from functools import lru_cache

from shared.contracts.errors import DomainError, invalid
from shared.contracts.validation import invalid_value

_REMEMBERED = 250
"""The longest name whose check is cached. No key may be longer; names of files, checked in the same way, may."""

_NAME = re.compile(r"[/\w.\- :]*")
_BAD_CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.),"
    " spaces ( ), colon(:) and slashes (/)."
)
_BAD_PATH = (
    "Names may be treated as files in certain cases, and must not resolve to other names"
    " when treated as such. This name would resolve to "
)


def too_long(path: str, limit: int) -> DomainError:
    """Return MLflow's error for a text over its limit."""
    return invalid(f"'{path}' exceeds the maximum length of {limit} characters")


def check_length(path: str, limit: int, value: str) -> None:
    """Raise DomainError if the text is longer than the limit."""
    if len(value) > limit:
        raise too_long(path, limit)


@lru_cache(maxsize=16_384)
def name_fault(name: str) -> str | None:
    """Return MLflow's reason to refuse a key: its characters, or that it resolves to another path."""
    if not _NAME.fullmatch(name):
        return _BAD_CHARACTERS
    return path_fault(name)


def long_name_fault(name: str) -> str | None:
    """As ``name_fault``, but without its cache: 16,384 names of any length would fill the memory."""
    return name_fault.__wrapped__(name)


def path_fault(name: str) -> str | None:
    """Return MLflow's reason to refuse a name that, read as a path, resolves to another path."""
    resolved = posixpath.normpath(name)
    if resolved != name or resolved == "." or resolved.startswith(("..", "/")):
        return f"{_BAD_PATH}{resolved!r}"
    return None


def bad_name(path: str, name: str, fault: str) -> DomainError:
    """Return MLflow's error for a name with a fault."""
    return invalid_value(path, name, fault)


def check_name(path: str, name: str) -> None:
    """Raise DomainError unless the text may be the key of a metric, param or tag."""
    look = name_fault if len(name) <= _REMEMBERED else long_name_fault
    if fault := look(name):
        raise bad_name(path, name, fault)
