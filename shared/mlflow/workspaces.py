"""Workspace names: MLflow's clients name a project by one if their tracking URI names none (ADR 51).

A name without ``--`` is a short name, which is stored with the project. A name with ``--`` is the
project's full path, with ``--`` in place of slashes. So a name means the same project for every caller.
"""

import re

from shared.contracts.errors import invalid

DEFAULT = "default"
"""The workspace of the root project."""

SLASH = "--"
"""Replaces the slashes of a project's path in a workspace name."""

_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_SHORTEST, _LONGEST = 2, 63
_RESERVED = frozenset({"workspaces", "api", "ajax-api", "static-files"})


def complaint(name: str) -> str:
    """Return MLflow's reason to refuse a name; empty if the name is valid.

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
    """Raise DomainError(INVALID_PARAMETER_VALUE) unless a workspace can have the name."""
    if wrong := complaint(name):
        raise invalid(f"Workspace name '{name}' {wrong}")


def path_in(name: str) -> str | None:
    """Return the project path in a name, in lower case; None for a short name."""
    return name.replace(SLASH, "/") if SLASH in name else None


def name_of(full_path: str) -> str | None:
    """Return the workspace name of a project's full path.

    None if MLflow's rules allow no such name: for a dot or an underscore in the path, for ``--`` in it,
    and beyond 63 characters.
    """
    name = full_path.lower().replace("/", SLASH)
    return None if complaint(name) or path_in(name) != full_path.lower() else name
