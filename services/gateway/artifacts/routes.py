"""The routes of streamed artifacts. Routes without streaming are in ``services/gateway/mlflow/endpoints.py``."""

from collections.abc import Iterator

from services.gateway.artifacts.handlers import Streams
from services.gateway.artifacts.roots import (
    root_of_model,
    root_of_run,
    root_of_version,
)
from services.gateway.http.routing import Handler
from services.gateway.mlflow.endpoints import PROXY_PREFIXES

ARTIFACT = "artifacts/{path:path}"
GET_ARTIFACT = "/get-artifact"
GET_MODEL_ARTIFACT = "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files"
GET_VERSION_ARTIFACT = "/model-versions/get-artifact"
GET_TRACE_ARTIFACTS = tuple(
    f"/ajax-api/{version}/mlflow/get-trace-artifact" for version in ("2.0", "3.0")
)
UPLOAD_ARTIFACT = "/ajax-api/2.0/mlflow/upload-artifact"


PACKAGE_FILE = "/packages/ml_models/{owner}/files/{path:path}"


def stream_routes(streams: Streams) -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each route under one mount."""
    for prefix in PROXY_PREFIXES:
        yield "GET", prefix + ARTIFACT, streams.get_artifact()
        yield "PUT", prefix + ARTIFACT, streams.put_artifact()
    yield "GET", GET_ARTIFACT, streams.get_artifact_of(root_of_run)
    yield "GET", GET_MODEL_ARTIFACT, streams.get_artifact_of(root_of_model, "artifact_file_path")
    yield "GET", GET_VERSION_ARTIFACT, streams.get_artifact_of(root_of_version)
    for path in GET_TRACE_ARTIFACTS:
        yield "GET", path, streams.get_trace_artifact()
    yield "POST", UPLOAD_ARTIFACT, streams.upload_artifact()


def package_routes(streams: Streams) -> Iterator[tuple[str, str, Handler]]:
    """Yield the routes of a project's packages, which are not below GitLab's MLflow API."""
    yield "GET", PACKAGE_FILE, streams.get_package_file()
    yield "PUT", PACKAGE_FILE, streams.put_package_file()
