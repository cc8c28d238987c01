"""The monitor of a process: liveness, readiness and metrics, on a separate HTTP listener.

Workers have no other HTTP listener. The gateway's other port may be public, and metrics must not be. The
monitor starts before everything else, so a process that waits for its broker is alive, but not ready.
"""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Self

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.runtime.listening import listening
from shared.runtime.metrics import REGISTRY
from shared.runtime.server_header import hide_versions
from shared.runtime.settings import PREFIX, MonitorSettings

Check = Callable[[], Awaitable[bool]]
"""Returns whether one dependency of this process can be used now. May raise an error instead of False."""

Checks = Mapping[str, Check]
"""Checks by the name of the dependency."""

CHECK_SECONDS = 2.0
"""Limit of one check. A dependency that takes longer is not ready."""

log = structlog.get_logger(__name__)


class Monitor:
    """The monitor of one process: its listener, and the checks that each readiness probe runs.

    A process without checks is still starting. Checks cover its own dependencies only. A worker is ready
    even if another service is down; otherwise one outage would look like many.
    """

    def __init__(self, check_seconds: float = CHECK_SECONDS) -> None:
        """``check_seconds`` limits each check."""
        self._check_seconds = check_seconds
        self.port: int | None = None
        self._checks: Checks = {}
        self._draining = False
        self._runner: web.AppRunner | None = None

    @asynccontextmanager
    async def listening(self, settings: MonitorSettings) -> AsyncIterator[Self]:
        """Listen while the block runs, if the settings name a port. Raises StartError."""
        if settings.port is not None:
            await self._listen(settings.host, settings.port)
        try:
            yield self
        finally:
            if self._runner is not None:
                await self._runner.cleanup()

    async def _listen(self, host: str, port: int) -> None:
        hide_versions()
        app = web.Application(middlewares=[_refuse_rebinding] if _is_loopback_host(host) else [])
        app.router.add_get("/health/live", _alive)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", _metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        with listening(host, port, f"{PREFIX}MONITOR_"):
            await web.TCPSite(self._runner, host, port).start()
        self.port = self._runner.addresses[0][1]
        log.info("monitor_listens", host=host, port=self.port)

    def started(self, checks: Checks) -> None:
        """Record that the process has started, and the checks of its dependencies."""
        self._checks = checks

    def drain(self) -> None:
        """Record that the process takes no new work. It is not ready from now on."""
        self._draining = True

    async def ready(self) -> dict[str, bool]:
        """Return the result of each check. The process is ready if all are true."""
        results = await asyncio.gather(*(self._passes(*named) for named in self._checks.items()))
        of_process = {"started": bool(self._checks), "accepting": not self._draining}
        return {**of_process, **dict(zip(self._checks, results, strict=True))}

    async def _ready(self, _request: web.Request) -> web.Response:
        checks = await self.ready()
        ready = all(checks.values())
        body = {"status": "ready" if ready else "not ready", "checks": checks}
        return web.json_response(body, status=200 if ready else 503)

    async def _passes(self, name: str, check: Check) -> bool:
        try:
            async with asyncio.timeout(self._check_seconds):
                return await check()
        except Exception as error:
            log.warning("check_failed", check=name, error=repr(error))
            return False


@web.middleware
async def _refuse_rebinding(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests whose Host is not loopback, against DNS rebinding.

    A web page's domain can be pointed to this machine. The page's browser then takes this listener for
    the page's own server, and lets the page read the answers.
    """
    if not _is_loopback_host(request.headers.get("Host", "")):
        raise web.HTTPForbidden(text="This listener on loopback is asked by address only.")
    return await handler(request)


def _is_loopback_host(host: str) -> bool:
    """Return whether a host, with or without a port, is an address of loopback or ``localhost``."""
    name = re.sub(r":\d+$", "", host).strip("[]")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"status": "alive"})


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(
        body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )
