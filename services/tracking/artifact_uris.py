"""Artifact URIs: where an experiment, its runs and its logged models keep their artifacts."""

from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.mlflow.artifact_paths import (
    MAX_SEGMENT_BYTES,
    SCHEME,
    below,
    directory_keys,
    file_key,
    is_within,
    owner_directory,
    proxied_root,
)

_LONGEST_ID = f"m-{'0' * 32}"
_NAME = "n" * MAX_SEGMENT_BYTES
"""The longest name of a file. Every location must leave room for it."""

_FOREIGN = "its first part is a number, which is a project's. Begin with a name, or leave artifact_location out."


def check_location(location: str, project: int) -> None:
    """Raise DomainError if this server can't store an experiment's artifacts at a location.

    So the experiment is refused, and not its first artifact. Other storage is not checked: clients open it themselves.
    """
    try:
        parts = urlsplit(location)
        if parts.scheme != SCHEME:
            return
        # Clients read a host that is a number, without a port, as a port without a host.
        if parts.port is None and (parts.hostname or "").isdecimal():
            message = f"{parts.hostname} is a port, and the host is missing"
            raise invalid(message)
        file_key(proxied_root(below(location, "models", _LONGEST_ID, "artifacts", _NAME)), project)
    except DomainError as error:
        foreign = error.code is ErrorCode.RESOURCE_DOES_NOT_EXIST
        raise _unusable(location, _FOREIGN if foreign else error.message) from None
    except ValueError as error:
        raise _unusable(location, str(error)) from None


def _unusable(location: str, reason: str) -> DomainError:
    return invalid(f"'{location}' can't be an artifact_location: {reason}")


def stored_directories(locations: Iterable[str], project: int) -> list[str]:
    """Return the directories of those locations that are in the project's part of this server's storage."""
    found: list[str] = []
    for location in locations:
        with suppress(DomainError):
            found.extend(directory_keys(proxied_root(location), project))
    return found


def kept_within(artifact_uri: str, directories: Iterable[str], project: int) -> list[str]:
    """Return the directories inside the one that is deleted when the owner of an ``artifact_uri`` is purged."""
    try:
        going = owner_directory(artifact_uri, project)
    except DomainError:
        return []
    return [each for each in directories if is_within(each, going)]
