"""Which artifact paths are accepted, and which object a path names. Nothing else decides that.

An object's key is its artifact's path: ``<project>/<experiment>/<run>/artifacts/<name>``, what
follows ``mlflow-artifacts:/`` in a run's ``artifact_uri``. A path is checked after it was
percent-decoded, which happens exactly once, where HTTP ends. MLflow's rule is
``validate_path_is_safe`` in ``mlflow/utils/uri.py``; ours also refuses what some S3 server would
store under another name than the one that was asked for.
"""

import re
from urllib.parse import unquote, urlsplit

from shared.contracts.errors import DomainError, invalid, missing_resource

MAX_KEY_BYTES = 1024
"""S3's limit of a key, in UTF-8."""

MAX_SEGMENT_BYTES = 255
"""SeaweedFS's and every file system's limit of one name, in UTF-8."""

SCHEME = "mlflow-artifacts"

# Control characters break headers and logs. U+FFFD stands for what was not UTF-8. Surrogates have
# no UTF-8. U+FFFE and U+FFFF cannot stand in XML, which S3's listings are.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\\\\\ud800-\udfff\ufffd\ufffe\uffff]")
_UNSAFE_SEGMENTS = {"", ".", ".."}


def file_key(path: str, project: int) -> str:
    """Return the key of the artifact that a path of the project names.

    Raises DomainError: INVALID_PARAMETER_VALUE for a path that no artifact can have,
    RESOURCE_DOES_NOT_EXIST for one outside of the project, as if nothing were there.
    """
    _check(path)
    head, _, rest = path.partition("/")
    if head != str(project) or not rest:
        raise absent(path)
    return path


def directory_key(path: str, project: int) -> str:
    """Return the key of a directory, without the slash at its end that some clients write.

    The project's own directory is one too. Raises DomainError as ``file_key`` does.
    """
    stripped = path.removesuffix("/")
    if stripped == str(project):
        return stripped
    return file_key(stripped, project)


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
    # Clients send this path percent-decoded once, as they send every other path.
    return unquote(parts.path).strip("/")


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
    """Return the path below a root; an empty path is the root itself."""
    return f"{root}/{path}" if path else root


def absent(path: str) -> DomainError:
    """Return the error for an artifact that is not there, or that the caller may not know of."""
    return missing_resource(f"No such artifact: '{path}'")


def _check(path: str) -> None:
    """Refuse a path that could mean another object than the one that it spells."""
    if _FORBIDDEN.search(path):
        raise _bad_path("it contains a character that is not allowed")
    segments = path.split("/")
    if not _UNSAFE_SEGMENTS.isdisjoint(segments):
        raise _bad_path("its segments must not be empty, '.' or '..'")
    if len(path.encode()) > MAX_KEY_BYTES:
        raise _bad_path(f"it is longer than {MAX_KEY_BYTES} bytes")
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        raise _bad_path(f"a segment is longer than {MAX_SEGMENT_BYTES} bytes")
    if "%" in path and _climbs_when_decoded(path):
        raise _bad_path("it is an encoded traversal")


def _climbs_when_decoded(path: str) -> bool:
    """Tell whether somebody who decodes once too often would leave the directory.

    We don't decode again, and ``100%25`` is a fine name; but a proxy or a client behind us might.
    """
    while (decoded := unquote(path)) != path:
        path = decoded
        segments = re.split(r"[/\\]", path)
        if ".." in segments or "." in segments or "\0" in path:
            return True
    return False


def _bad_path(reason: str) -> DomainError:
    return invalid(f"Invalid path: {reason}.")
