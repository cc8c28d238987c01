"""Where artifacts lie: below an experiment's artifact location."""

import re
from collections.abc import Iterable
from contextlib import suppress

from shared.contracts.errors import DomainError
from shared.mlflow.artifact_paths import directory_key, is_within, owner_directory, proxied_root

_PATH_AND_REST = re.compile(r"([^?#]*)(.*)", re.DOTALL)


def below(location: str, *segments: str) -> str:
    """Return the URI of a directory below a location, whose query string stays at the end.

    The rule is that of ``append_to_uri_path`` in ``mlflow/utils/uri.py``.
    """
    match = _PATH_AND_REST.fullmatch(location)
    path, rest = match.groups() if match else (location, "")
    return "/".join([path.rstrip("/"), *segments]) + rest


def stored_directories(locations: Iterable[str], project: int) -> list[str]:
    """Return the paths of those locations that are in the project's part of this server's storage."""
    found: list[str] = []
    for location in locations:
        with suppress(DomainError):
            found.append(directory_key(proxied_root(location), project))
    return found


def kept_within(artifact_uri: str, directories: Iterable[str], project: int) -> list[str]:
    """Return those directories that are in the one which goes when the owner of an ``artifact_uri`` is purged."""
    try:
        going = owner_directory(artifact_uri, project)
    except DomainError:
        return []
    return [each for each in directories if is_within(each, going)]
