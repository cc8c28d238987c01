"""Workspaces: what MLflow's clients call a project whose tracking URI names none (ADR 51).

A short name, which has no ``--``, is kept with the project. Any other is the project's full path,
its slashes written as ``--``. So a name says which project it means, whoever asks.
"""

import re

from shared.contracts.errors import invalid

DEFAULT = "default"
"""The root project's."""

SLASH = "--"
"""What stands for the slashes of a path."""

_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_SHORTEST, _LONGEST = 2, 63
_RESERVED = frozenset({"workspaces", "api", "ajax-api", "static-files"})


def complaint(name: str) -> str:
    """Return what MLflow has against a name, empty if nothing.

    Source of the rules and the words: ``WorkspaceNameValidator`` in
    ``mlflow/store/workspace/abstract_store.py``.
    """
    if not _SHORTEST <= len(name) <= _LONGEST:
        return f"must be between {_SHORTEST} and {_LONGEST} characters."
    if not re.fullmatch(_PATTERN, name):
        return (
            f"must match the pattern {_PATTERN} "
            "(lowercase alphanumeric with optional internal hyphens)."
        )
    return "is reserved and cannot be used." if name in _RESERVED else ""


def check_name(name: str) -> None:
    """Raise DomainError(INVALID_PARAMETER_VALUE) for what is no workspace's name."""
    if wrong := complaint(name):
        raise invalid(f"Workspace name '{name}' {wrong}")


def path_in(name: str) -> str | None:
    """Return the path, in lower case, that a name is made of; None if it is a short one."""
    return name.replace(SLASH, "/") if SLASH in name else None


def name_of(full_path: str) -> str | None:
    """Return the name that is made of a project's full path.

    None if MLflow's grammar has none for it: for a dot or an underscore, for ``--`` in the path
    itself, and beyond 63 characters.
    """
    name = full_path.lower().replace("/", SLASH)
    return None if complaint(name) or path_in(name) != full_path.lower() else name
