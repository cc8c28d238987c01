"""The application: a path and a method lead to a handler, anything else to MLflow's error.

It runs on aiohttp's low-level server with its own table of paths: measured a third faster than
``aiohttp.web.Application``, whose patterns, middlewares and signals nothing here needs.
"""

from collections.abc import Mapping

from aiohttp.web import BaseRequest, StreamResponse

from services.gateway.artifacts.handlers import Streams
from services.gateway.artifacts.roots import (
    with_uri_of_model,
    with_uri_of_run,
    with_uri_of_run_or_model,
)
from services.gateway.artifacts.routes import stream_routes
from services.gateway.artifacts.storage import Storage
from services.gateway.asking import Bus
from services.gateway.callers import root_door
from services.gateway.dialects import mlflow
from services.gateway.forward import Completion, forward, refused, respond
from services.gateway.health import fixed_json, probes
from services.gateway.measuring import NO_ROUTE, measured, observer
from services.gateway.openapi import describe
from services.gateway.requests import read_request_id
from services.gateway.routes import ENDPOINTS
from services.gateway.routing import NO_PARAMETERS, Route, RouteTable
from services.gateway.settings import Settings
from shared.bus.messages import new_id
from shared.errors import DomainError, ErrorCode
from shared.metrics import HTTP_IN_FLIGHT

COMPLETIONS: Mapping[str, Completion] = {
    "run": with_uri_of_run,
    "model": with_uri_of_model,
    "run or model": with_uri_of_run_or_model,
}
"""By ``Endpoint.owner``."""

_count_lost = observer(NO_ROUTE, NO_ROUTE)


class App:
    """Answers HTTP requests. Once ``draining`` is set each answer closes its connection."""

    def __init__(self, storage: Storage) -> None:
        self.routes = RouteTable(wrap=measured)
        self.draining = False
        self._under_way = 0
        HTTP_IN_FLIGHT.set_function(lambda: self._under_way)
        self._storage = storage

    async def close(self) -> None:
        """Close the connections to the storage."""
        await self._storage.close()

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        """Answer one request."""
        self._under_way += 1
        try:
            response = await self._answer(request)
        finally:
            self._under_way -= 1
        if self.draining:
            response.force_close()
        return response

    async def _answer(self, request: BaseRequest) -> StreamResponse:
        try:
            handler = self.routes.fixed[request.path][request.method]
        except KeyError:
            return await self._look_further(request)
        return await handler(request, NO_PARAMETERS)

    async def _look_further(self, request: BaseRequest) -> StreamResponse:
        route = self.routes.find(request)
        handler = route.methods.get(request.method) if route else None
        if route is None or handler is None:
            response = _no_handler(request, route)
            _count_lost(response.status, 0.0)
            return response
        return await handler(request, route.parameters)


def _no_handler(request: BaseRequest, route: Route | None) -> StreamResponse:
    request_id = read_request_id(request.headers, new_id().hex)
    if route is not None:
        allowed = ", ".join(route.methods)
        return respond(mlflow.refuse_method(request.method, allowed), request_id)
    message = f"There is no endpoint {request.path}."
    return refused(DomainError(ErrorCode.ENDPOINT_NOT_FOUND, message), request_id)


def create_app(bus: Bus, settings: Settings) -> App:
    """Build the routes around a bus client, which the caller starts and closes."""
    storage = Storage()
    app = App(storage)
    for endpoint in ENDPOINTS:
        handler = forward(endpoint, bus, root_door, settings, COMPLETIONS.get(endpoint.owner))
        for prefix in endpoint.prefixes:
            for method in endpoint.methods.split():
                app.routes.add(method, prefix + endpoint.path, handler)
    for method, path, stream in stream_routes(Streams(bus, root_door, settings, storage)):
        app.routes.add(method, path, stream)
    for path, probe in probes(bus, lambda: app.draining, settings).items():
        app.routes.add("GET", path, probe)
    app.routes.add("GET", "/openapi.json", fixed_json(describe))
    return app
