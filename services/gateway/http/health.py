"""Health probes, and the endpoints that describe the server itself."""

from collections.abc import Callable
from functools import cache

from aiohttp.web import BaseRequest, Response
from pydantic_core import to_json

from services.gateway.http.routing import Handler, Parameters
from services.gateway.settings import Settings
from shared.messaging.calls import Bus
from shared.runtime.health import Checks
from shared.runtime.version import VERSION

MLFLOW_VERSION = "3.17.2"
"""The MLflow version whose REST API Warren follows. ``/version`` shows it to clients that compare versions."""


def server_info(*, direct_artifacts: bool, workspaces: bool) -> dict[str, object]:
    """Return the answer of ``server-info``, with the fields of ``mlflow/utils/server_info.py``.

    ``workspaces`` is true at the root only: a project's own tracking URI leads to this project alone.
    With ``direct_artifacts`` clients send multipart transfers to the storage's public address, so they
    must be able to reach it.
    """
    return {
        # The client uses it for its own statistics only, to distinguish file stores from databases.
        "store_type": "SqlStore",
        "workspaces_enabled": workspaces,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": direct_artifacts,
        "multipart_downloads_enabled": direct_artifacts,
        "presigned_upload_run_id_supported": direct_artifacts,
        "presigned_upload_model_id_supported": direct_artifacts,
        "features_enabled": {"gateway": False},
    }


def version() -> dict[str, str]:
    """Return the answer of GitLab's ``/version`` endpoint: Warren's version, not one of GitLab."""
    return {"version": f"{VERSION}-warren", "revision": "warren"}


def fixed_text(text: str) -> Handler:
    """Return a handler that always answers the same text."""

    async def handle(_request: BaseRequest, _parameters: Parameters) -> Response:
        return Response(text=text)

    return handle


def fixed_json(make: Callable[[], object]) -> Handler:
    """Return a handler that always answers the same JSON, which ``make`` creates at the first request."""
    body = cache(lambda: to_json(make()))

    async def handle(_request: BaseRequest, _parameters: Parameters) -> Response:
        return Response(body=body(), content_type="application/json")

    return handle


def readiness(bus: Bus, is_draining: Callable[[], bool]) -> Handler:
    """Return the readiness probe: 503 while the bus is not connected or the process is stopping."""

    async def handle(_request: BaseRequest, _parameters: Parameters) -> Response:
        checks = {"bus": bus.ready, "accepting": not is_draining()}
        ready = all(checks.values())
        body = to_json({"status": "ready" if ready else "not ready", "checks": checks})
        return Response(status=200 if ready else 503, body=body, content_type="application/json")

    return handle


def checks(bus: Bus) -> Checks:
    """Return the checks of the monitor's readiness probe."""

    async def bus_ready() -> bool:
        return bus.ready

    return {"bus": bus_ready}


def probes(
    bus: Bus, is_draining: Callable[[], bool], settings: Settings, *, workspaces: bool
) -> dict[str, Handler]:
    """Return the handlers by path. ``workspaces`` is true at the root and false behind a project."""
    alive = fixed_json(lambda: {"status": "alive"})
    promises = server_info(direct_artifacts=settings.direct_artifacts, workspaces=workspaces)
    info = fixed_json(lambda: promises)
    return {
        "/health": fixed_text("OK"),
        "/health/live": alive,
        "/health/ready": readiness(bus, is_draining),
        "/version": fixed_text(MLFLOW_VERSION),
        "/api/3.0/mlflow/server-info": info,
        "/ajax-api/3.0/mlflow/server-info": info,
    }
