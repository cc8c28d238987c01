"""OpenAPI's operations of streamed artifacts. Their bodies are bytes, so no contract describes them."""

from collections.abc import Iterator
from typing import Any

from services.gateway.artifacts.routes import (
    ARTIFACT,
    GET_ARTIFACT,
    GET_MODEL_ARTIFACT,
    GET_TRACE_ARTIFACTS,
    GET_VERSION_ARTIFACT,
    PACKAGE_FILE,
    UPLOAD_ARTIFACT,
)
from services.gateway.gitlab.endpoints import API
from services.gateway.http.routing import plain
from services.gateway.mlflow.endpoints import PROXY_PREFIXES

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_EMPTY = {"application/json": {"schema": {"type": "object"}}}
_STORED = {"200": {"description": "Stored.", "content": _EMPTY}}
_CREATED = {"201": {"description": "Stored.", "content": _EMPTY}}
_FOUND = {
    "200": {"description": "The artifact, to be saved as a file.", "content": _BYTES},
    "206": {"description": "The range that was asked for.", "content": _BYTES},
    "304": {"description": "The artifact that the client has is still the current one."},
}


def describe_streams() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the method, path and operation of each route. The caller adds the error answers and the request id."""
    artifact = plain(PROXY_PREFIXES[0] + ARTIFACT)
    in_path = [_parameter("path", "path")]
    yield (
        "GET",
        artifact,
        _operation("DownloadArtifact", "Read an artifact.", in_path, _FOUND),
    )
    yield (
        "PUT",
        artifact,
        _operation("UploadArtifact", "Write an artifact.", in_path, _STORED) | _body(),
    )
    of_run = [_parameter("run_uuid", "query"), _parameter("path", "query")]
    yield "GET", GET_ARTIFACT, _operation("GetArtifact", "Read a run's artifact.", of_run, _FOUND)
    of_model = [_parameter("model_id", "path"), _parameter("artifact_file_path", "query")]
    yield (
        "GET",
        GET_MODEL_ARTIFACT,
        _operation("GetLoggedModelArtifact", "Read a logged model's artifact.", of_model, _FOUND),
    )
    of_version = [_parameter(name, "query") for name in ("name", "version", "path")]
    yield (
        "GET",
        GET_VERSION_ARTIFACT,
        _operation("GetModelVersionArtifact", "Read a version's artifact.", of_version, _FOUND),
    )
    of_trace = [
        _parameter("request_id", "query"),
        _parameter("path", "query") | {"required": False},
    ]
    for version, path in zip(("", "V3"), GET_TRACE_ARTIFACTS, strict=True):
        name = f"GetTraceArtifact{version}"
        yield "GET", path, _operation(name, "Read a trace's spans or a file.", of_trace, _FOUND)
    yield (
        "POST",
        UPLOAD_ARTIFACT,
        _operation("UploadRunArtifact", "Write a run's artifact.", of_run, _STORED) | _body(),
    )


def describe_packages() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the same as ``describe_streams``, for GitLab's packages.

    ``owner`` is a model version's id, or ``candidate:`` and a run's iid.
    """
    path = plain(f"{API}/projects/{{project}}{PACKAGE_FILE}")
    in_path = [_parameter(name, "path") for name in ("project", "owner", "path")]
    yield "GET", path, _operation("GetPackageFile", "Read a package's file.", in_path, _FOUND)
    yield (
        "PUT",
        path,
        _operation("PutPackageFile", "Write a package's file.", in_path, _CREATED) | _body(),
    )


def _operation(
    name: str, summary: str, parameters: list[dict[str, Any]], responses: dict[str, Any]
) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["artifacts"],
        "parameters": parameters,
        "responses": responses,
    }


def _parameter(name: str, where: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": True, "schema": {"type": "string"}}


def _body() -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": _BYTES}}
