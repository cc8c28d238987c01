"""Checks the sources of model versions. They are URIs, and their text alone decides.

The rules are those of ``_validate_source_run``, ``_validate_source_model`` and ``_parse_model_uri``
of MLflow's server, with two exceptions. MLflow follows links in its own file system; this server can't
see the client's files. MLflow refuses schemes that name a host (``ftp``, ``sftp``), to protect a
server that downloads from there; this server does not.
"""

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import ParseResult, unquote, unquote_plus, urlparse

from shared.contracts.errors import DomainError, invalid

PROMPT_SOURCES = frozenset({"dummy-source", "prompt-template"})
"""Placeholders that MLflow's clients send as a prompt's source. Prompts have no artifacts."""

ARTIFACTS_ROUTE = ("api", "2.0", "mlflow-artifacts", "artifacts")


@dataclass(frozen=True, slots=True)
class ModelUri:
    """The target of ``models:/…``: a logged model's id, or a version of a registered model.

    At most one of ``version``, ``stage`` and ``alias`` is set. None of them means the newest version.
    """

    model_id: str | None = None
    name: str = ""
    version: str | None = None
    stage: str | None = None
    alias: str | None = None


def refused(source: str, why: str) -> DomainError:
    """Return MLflow's error for a source that it does not accept."""
    return invalid(f"Invalid model version source: '{source}'. {why}")


def not_contained(source: str, parameter: str) -> DomainError:
    """Return MLflow's error for a source outside the run or the logged model."""
    return refused(
        source,
        f"The {parameter} request parameter must identify the resource that contains the source.",
    )


def not_local(source: str, parameter: str) -> DomainError:
    """Return MLflow's error for a local path outside the artifacts of a run or a logged model."""
    return refused(
        source,
        f"To use a local path as a model version source, the {parameter} request parameter has to "
        "be specified and the local path has to be contained within the artifact directory of the "
        f"run specified by the {parameter}.",
    )


def parse(source: str) -> ParseResult:
    """Split a URI. Raises DomainError if the text is not a URI, or its host is invalid."""
    try:
        parsed = urlparse(source)
        _ = parsed.hostname
    except ValueError:
        raise refused(source, "It is not a valid URI.") from None
    return parsed


def is_local(source: str) -> bool:
    """Tell whether a source is a local path. Raises DomainError for a ``file:`` URI of another host."""
    parsed = parse(source)
    host = parsed.hostname or "."
    if parsed.scheme == "file" and host != "." and not host.startswith(("localhost", "127.0.0.1")):
        raise invalid(
            f"{source} is not a valid remote uri. For remote access on windows, please consider "
            "using a different scheme such as SMB (e.g. smb://<hostname>/<path>)."
        )
    return parsed.scheme in ("", "file")


def is_remote(source: str) -> bool:
    """Tell whether a text is a URI, and not a local path."""
    try:
        scheme = parse(source).scheme
    except DomainError:
        return False
    # A scheme of one letter is a drive of Windows.
    return len(scheme) > 1 and scheme != "file"


def check_path(source: str) -> None:
    """Raise DomainError unless the path of a source is absolute, without ``.`` and ``..``."""
    plain = _unquoted(source, plus=True)
    path = re.sub(r"/+", "/", parse(plain).path.rstrip("/"))
    absolute = path.startswith("/") and posixpath.normpath(path) == path
    if not absolute or "\0" in path or ".." in plain.split("/"):
        raise refused(
            source,
            "If supplying a source as an http, https, local file path, ftp, objectstore, or "
            "mlflow-artifacts uri, an absolute path must be provided without relative path "
            "references present. Please provide an absolute path.",
        )


def is_artifact_route(source: str) -> bool:
    """Tell whether a source is served by an MLflow server, by its scheme or its path."""
    scheme, _, parts = _parts(source)
    starts = range(len(parts) - len(ARTIFACTS_ROUTE) + 1)
    return scheme == "mlflow-artifacts" or (
        scheme in ("http", "https")
        and any(parts[at : at + len(ARTIFACTS_ROUTE)] == ARTIFACTS_ROUTE for at in starts)
    )


def contains(root: str, source: str) -> bool:
    """Tell whether a source is the location ``root`` or lies below it."""
    root_scheme, root_host, root_parts = _parts(root)
    scheme, host, parts = _parts(source)
    return (
        (scheme, host) == (root_scheme, root_host)
        and bool(root_parts)
        and parts[: len(root_parts)] == root_parts
    )


def contains_local(root: str, source: str) -> bool:
    """Tell whether a local source is the local path ``root`` or lies below it."""
    if not is_local(root):
        return False
    directory, path = _local_path(root), _local_path(source)
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def run_of(source: str) -> str:
    """Return the run's id in ``runs:/<id>/<path>``, or ''."""
    return parse(source).path.removeprefix("/").partition("/")[0]


def parse_model_uri(source: str) -> ModelUri:
    """Read ``models:/…``. Raises DomainError if it is malformed."""
    parsed = parse(source)
    first, *rest = parsed.path.lstrip("/").split("/")
    if not parsed.path.startswith("/") or not first.strip() or len(rest) > 1:
        raise not_contained(source, "model_id")
    if rest:
        return _model_version_uri(source, first, rest[0])
    if "@" not in first:
        return ModelUri(model_id=first)
    name, _, alias = first.rpartition("@")
    if not alias.strip():
        raise not_contained(source, "model_id")
    return ModelUri(name=name, alias=alias)


def _model_version_uri(source: str, name: str, suffix: str) -> ModelUri:
    if not suffix.strip():
        raise not_contained(source, "model_id")
    if suffix.isdigit():
        return ModelUri(name=name, version=suffix)
    if suffix.lower() == "latest":
        return ModelUri(name=name)
    return ModelUri(name=name, stage=suffix)


def _parts(uri: str) -> tuple[str, str, tuple[str, ...]]:
    """Return scheme, host and path segments in one spelling, to compare them."""
    parsed = parse(uri)
    segments = tuple(_unquoted(part) for part in parsed.path.split("/") if part)
    return parsed.scheme.lower(), parsed.netloc.lower(), segments


def _unquoted(text: str, *, plus: bool = False) -> str:
    """Percent-decode until nothing changes: a client may have encoded the text more than once."""
    decode = unquote_plus if plus else unquote
    while (plain := decode(text)) != text:
        text = plain
    return text


def _local_path(uri: str) -> str:
    parsed = parse(uri)
    path = unquote(parsed.path) if parsed.scheme == "file" else uri
    return posixpath.normpath(path)
