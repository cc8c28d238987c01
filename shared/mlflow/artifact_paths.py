"""Which artifact paths are accepted, and which object a path names. Nothing else decides that.

Each project has a tree of its own in the bucket, below its number. ``<project>/<experiment>/<run>/artifacts/<name>``,
what follows ``mlflow-artifacts:/`` in a run's ``artifact_uri``, is a path of its own project, and the object's key. A
path that does not begin with a number is one that clients chose; its object lies below ``<project>/~/``. So no path
leads into another project's tree, and a chosen one into no run's directory.

A path is percent-decoded once where HTTP ends, and then brought into the form in which MLflow's clients ask for it
(``shared/mlflow/artifact_names.py``). What is refused is refused of that form.
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

MAX_KEY_BYTES = 1024
"""S3's limit of a key, in UTF-8."""

MAX_SEGMENT_BYTES = 255
"""SeaweedFS's and every file system's limit of one name, in UTF-8."""

SCHEME = "mlflow-artifacts"

CHOSEN = "~"
"""The directory of a project's tree that holds what lies at paths of the clients' choice."""

# C1 controls break headers and logs. Surrogates have no UTF-8. U+FFFE and U+FFFF cannot stand in XML, which S3's
# listings are.
_FORBIDDEN = re.compile("[\x80-\x9f\ud800-\udfff\ufffe\uffff]")
_UNSAFE_SEGMENTS = {"", ".", ".."}
_NUMBER = re.compile(r"[0-9]{1,19}")
_DRIVE = re.compile(r"[A-Za-z]:/")
_AS_SENT = re.compile("[\x00-\x1f\x7f\\\\\ufffd]")
"""What no path had in it before paths were brought into their form."""


def file_key(path: str, project: int) -> str:
    """Return the key under which a path's artifact is to be stored.

    Raises DomainError: INVALID_PARAMETER_VALUE for a path that no artifact can have, or that no client could ask for,
    RESOURCE_DOES_NOT_EXIST for one of another project, as if nothing were there.
    """
    settled = _settled(path)
    if settled == str(project):
        raise absent(path)
    if not all(map(is_listed_as_it_is, settled.split("/"))):
        raise _bad_path(
            "MLflow's clients could not ask for a name with '#' or '?', or one that begins like a URL"
        )
    return _key(settled, project)


def file_keys(path: str, project: int) -> Sequence[str]:
    """Return the keys under which a path's artifact may be stored, the likelier one first.

    Raises DomainError as ``file_key`` does, but for names that clients can't ask for.
    """
    settled = _settled(path)
    if settled == str(project):
        raise absent(path)
    return _with_key_as_sent(_key(settled, project), path, project)


def directory_key(path: str, project: int) -> str:
    """Return the key of a directory, which some clients write with a slash at its end.

    The project's own directory is one, and so is the one of all chosen paths, whose path is empty. Raises
    DomainError as ``file_keys`` does.
    """
    return directory_keys(path, project)[0]


def directory_keys(path: str, project: int) -> Sequence[str]:
    """Return the keys that a directory may have, as ``file_keys`` does."""
    stripped = path.removesuffix("/")
    if not stripped:
        return [f"{project}/{CHOSEN}"]
    return _with_key_as_sent(_key(_settled(stripped), project), stripped, project)


def check_new_path(path: str) -> None:
    """Raise DomainError unless an artifact may be stored under the path in a directory that may be anywhere."""
    file_key(f"_/{path}", 0)


def proxied_root(artifact_uri: str) -> str:
    """Return the path that an ``artifact_uri`` names.

    Raises DomainError for other storage than this server's: an experiment may keep its artifacts
    elsewhere, but only its clients open that.
    """
    parts = urlsplit(artifact_uri)
    if parts.scheme != SCHEME:
        scheme = parts.scheme or "file"
        message = f"The artifacts are kept in {scheme} storage, which this server does not open."
        raise invalid(message)
    # Clients collapse slashes, and send this path percent-decoded once, as they send every other path.
    return unquote(re.sub("//+", "/", parts.path)).strip("/")


def owner_directory(artifact_uri: str, project: int) -> str:
    """Return the key of the directory that has the id of a run, logged model or experiment for its name.

    It is what holds the ``artifacts`` of a run or a logged model; an experiment's ``artifact_uri``
    names it. Raises DomainError for other storage and other projects, as those above do.
    """
    return directory_key(proxied_root(artifact_uri).removesuffix("/artifacts"), project)


def is_within(path: str, directory: str) -> bool:
    """Tell whether a path is a directory's own, or that of anything below it."""
    return path == directory or path.startswith(f"{directory}/")


def join(root: str, path: str) -> str:
    """Return the path below a root; an empty path is the root itself, and an empty root adds nothing."""
    return f"{root}/{path}" if root and path else root or path


def absent(path: str) -> DomainError:
    """Return the error for an artifact that is not there, or that the caller may not know of."""
    return missing_resource(f"No such artifact: '{path}'")


def _key(settled: str, project: int) -> str:
    head, _, _ = settled.partition("/")
    if head == str(project):
        return settled
    if _NUMBER.fullmatch(head):
        raise absent(settled)
    return _bounded(f"{project}/{CHOSEN}/{settled}")


def _with_key_as_sent(key: str, path: str, project: int) -> Sequence[str]:
    """Add the key that a path had before paths were brought into their form: objects may have been stored under it."""
    if path == key or not path.startswith(f"{project}/") or _AS_SENT.search(path):
        return [key]
    return [key, path]


def _settled(path: str) -> str:
    """Return a path's form. Raises DomainError if it could mean another object than the one that it spells."""
    if len(path) > 4 * MAX_KEY_BYTES:
        raise _bad_path(f"it is longer than {MAX_KEY_BYTES} bytes")
    try:
        # What somebody who takes backslashes for slashes would climb by, is refused as well.
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
