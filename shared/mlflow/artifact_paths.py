"""Decides which artifact paths are accepted, and which object a path names. No other module does.

Each project has its own tree in the bucket, under its number. A run's ``artifact_uri`` is
``mlflow-artifacts:/<project>/<experiment>/<run>/artifacts``. Below it, a path (the URI without its scheme) is also the
key of its object. A path that does not begin with a number is chosen by a client; its object lies under
``<project>/~/``. So no path leads into another project's tree, and no chosen path leads into a run's directory.

A path is percent-decoded once where HTTP ends. Then it is brought into its settled form
(``shared/mlflow/artifact_names.py``). The checks below apply to the settled form. In the key, names that an S3 server
reserves are escaped (``shared/mlflow/reserved_names.py``).
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from shared.contracts.errors import DomainError, invalid, missing_resource
from shared.mlflow.artifact_names import (
    UnstableNameError,
    decoded,
    is_listed_as_it_is,
    settled_path,
)
from shared.mlflow.reserved_names import escaped

MAX_KEY_BYTES = 1024
"""S3's limit for a key, in UTF-8."""

MAX_SEGMENT_BYTES = 255
"""The limit of SeaweedFS and of every file system for one name, in UTF-8."""

SCHEME = "mlflow-artifacts"

CHOSEN = "~"
"""The directory in a project's tree for paths that clients choose."""

# C1 controls break headers and logs. UTF-8 cannot encode surrogates. U+FFFE and U+FFFF are not allowed in XML, the
# format of S3's listings.
_FORBIDDEN = re.compile("[\x80-\x9f\ud800-\udfff\ufffe\uffff]")
_UNSAFE_SEGMENTS = {"", ".", ".."}
_NUMBER = re.compile(r"[0-9]{1,19}")
_DRIVE = re.compile(r"[A-Za-z]:/")
_PATH_AND_REST = re.compile(r"([^?#]*)(.*)", re.DOTALL)
_AS_SENT = re.compile("[\x00-\x1f\x7f\\\\\ufffd]")
"""Characters that no path had in earlier versions, which did not settle paths."""


def file_key(path: str, project: int) -> str:
    """Return the key under which a path's artifact is stored.

    Raises DomainError: INVALID_PARAMETER_VALUE for a path that no artifact can have, or that no client could ask for;
    RESOURCE_DOES_NOT_EXIST for a path in another project, as if nothing were there, and for the project's own tree.
    """
    settled = _settled(path)
    if settled == str(project):
        raise absent(path)
    if not all(map(is_listed_as_it_is, settled.split("/"))):
        raise _bad_path(
            "MLflow's clients can't ask for a name with '#' or '?', or for a name that begins like a URL"
        )
    return _key(settled, project)


def file_keys(path: str, project: int) -> Sequence[str]:
    """Return the keys under which a path's artifact may be stored, the likelier one first.

    Raises DomainError as ``file_key`` does. Names that clients can't ask for are accepted here.
    """
    settled = _settled(path)
    if settled == str(project):
        raise absent(path)
    return _with_key_as_sent(_key(settled, project), path, project)


def directory_key(path: str, project: int) -> str:
    """Return the key of a directory. Some clients write its path with a slash at the end.

    The project's tree is accepted. The empty path is the directory of all chosen paths. Raises DomainError as
    ``file_keys`` does.
    """
    return directory_keys(path, project)[0]


def directory_keys(path: str, project: int) -> Sequence[str]:
    """Return the keys that a directory may have, as ``file_keys`` does."""
    stripped = path.removesuffix("/")
    if not stripped:
        return [f"{project}/{CHOSEN}"]
    return _with_key_as_sent(_key(_settled(stripped), project), stripped, project)


def check_new_path(path: str) -> None:
    """Raise DomainError unless an artifact can be stored under a path, which is relative to any directory."""
    file_key(f"_/{path}", 0)


def proxied_root(artifact_uri: str) -> str:
    """Return the path in an ``artifact_uri``.

    Raises DomainError for storage that is not this server's. An experiment may keep its artifacts
    elsewhere; then its clients open that storage themselves.
    """
    parts = urlsplit(artifact_uri)
    if parts.scheme != SCHEME:
        scheme = parts.scheme or "file"
        message = f"The artifacts are kept in {scheme} storage, which this server does not open."
        raise invalid(message)
    # Clients collapse repeated slashes. They send this path percent-decoded once, like every other path.
    return unquote(re.sub("//+", "/", parts.path)).strip("/")


def owner_directory(artifact_uri: str, project: int) -> str:
    """Return the key of the directory that is named by the id of a run, logged model or experiment.

    The directory of a run or a logged model contains its ``artifacts``. An experiment's ``artifact_uri``
    is the directory itself. Raises DomainError for other storage and for other projects.
    """
    return directory_key(proxied_root(artifact_uri).removesuffix("/artifacts"), project)


def is_within(path: str, directory: str) -> bool:
    """Tell whether a path is a directory or lies below it."""
    return path == directory or path.startswith(f"{directory}/")


def join(root: str, path: str) -> str:
    """Return the path below a root. An empty path means the root itself; an empty root adds nothing."""
    return f"{root}/{path}" if root and path else root or path


def below(location: str, *segments: str) -> str:
    """Return the URI of a directory below a location. The location's query string stays at the end.

    Source of the rule: ``append_to_uri_path`` in ``mlflow/utils/uri.py``.
    """
    match = _PATH_AND_REST.fullmatch(location)
    path, rest = match.groups() if match else (location, "")
    return "/".join([path.rstrip("/"), *segments]) + rest


def absent(path: str) -> DomainError:
    """Return the error for an artifact that does not exist, or that the caller must not know of."""
    return missing_resource(f"No such artifact: '{path}'")


def _key(settled: str, project: int) -> str:
    head, _, _ = settled.partition("/")
    if head == str(project):
        return _bounded(escaped(settled))
    if _NUMBER.fullmatch(head):
        raise absent(settled)
    return _bounded(escaped(f"{project}/{CHOSEN}/{settled}"))


def _with_key_as_sent(key: str, path: str, project: int) -> Sequence[str]:
    """Add the path itself as a second key: earlier versions, which changed no path, stored objects under it."""
    if path == key or not path.startswith(f"{project}/") or _AS_SENT.search(path):
        return [key]
    return [key, path]


def _settled(path: str) -> str:
    """Return a path's settled form. Raises DomainError if the path could mean another object than it spells."""
    # This limits the work below. The exact limit applies to the settled form.
    if len(path) > 4 * MAX_KEY_BYTES:
        raise _bad_path(f"it is longer than {MAX_KEY_BYTES} bytes")
    try:
        # "..\" is refused like "../": a client that takes backslashes for slashes would leave the directory by it.
        climbs = not {".", ".."}.isdisjoint(re.split(r"[/\\]", decoded(path)))
        settled = settled_path(path)
        is_stable = settled_path(settled) == settled
    except UnstableNameError:
        is_stable = False
    if not is_stable:
        raise _bad_path("it has no form that decoding leaves as it is")
    if climbs or not _UNSAFE_SEGMENTS.isdisjoint(settled.split("/")):
        raise _bad_path("its segments must not be empty, '.' or '..'")
    if _DRIVE.match(settled):
        raise _bad_path("it begins with the name of a drive")
    if _FORBIDDEN.search(settled):
        raise _bad_path("it contains a character that is not allowed")
    return _bounded(settled)


def _bounded(path: str) -> str:
    if len(path.encode()) > MAX_KEY_BYTES:
        raise _bad_path(f"it is longer than {MAX_KEY_BYTES} bytes")
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in path.split("/")):
        raise _bad_path(f"a segment is longer than {MAX_SEGMENT_BYTES} bytes")
    return path


def _bad_path(reason: str) -> DomainError:
    return invalid(f"Invalid path: {reason}.")
