"""Probes, and what clients and browsers ask about the server itself."""

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
"""The MLflow server whose REST API this one follows; clients that compare versions see it."""


def server_info(*, direct_artifacts: bool, workspaces: bool) -> dict[str, object]:
    """Return the answer of ``server-info``: fields of ``mlflow/utils/server_info.py``, each a promise.

    There are ``workspaces`` at the root; a project's own tracking URI leads to none but it.
    Clients that read that multipart transfers are enabled go to the storage's public address with
    them, so it must be one that they reach.
    """
    return {
        # The client only tells file stores from databases, for its own statistics.
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
    """Return the answer of GitLab's ``/version``: ours, which is none of GitLab's."""
    return {"version": f"{VERSION}-warren", "revision": "warren"}


def fixed_text(text: str) -> Handler:
    """Make a handler that always answers the same text."""

    async def handle(_request: BaseRequest, _parameters: Parameters) -> Response:
        return Response(text=text)

    return handle


def fixed_json(make: Callable[[], object]) -> Handler:
    """Make a handler that always answers the same JSON, worked out when first asked for."""
    body = cache(lambda: to_json(make()))

    async def handle(_request: BaseRequest, _parameters: Parameters) -> Response:
        return Response(body=body(), content_type="application/json")

    return handle


def readiness(bus: Bus, is_draining: Callable[[], bool]) -> Handler:
    """Make the readiness probe: 503 while the bus is away or the process is leaving."""

    async def handle(_request: BaseRequest, _parameters: Parameters) -> Response:
        checks = {"bus": bus.ready, "accepting": not is_draining()}
        ready = all(checks.values())
        body = to_json({"status": "ready" if ready else "not ready", "checks": checks})
        return Response(status=200 if ready else 503, body=body, content_type="application/json")

    return handle


def checks(bus: Bus) -> Checks:
    """Return what the monitor's readiness probe asks."""

    async def bus_ready() -> bool:
        return bus.ready

    return {"bus": bus_ready}


def probes(
    bus: Bus, is_draining: Callable[[], bool], settings: Settings, *, workspaces: bool
) -> dict[str, Handler]:
    """Return the handlers by path, at the root or, where there are no workspaces, behind a project."""
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
