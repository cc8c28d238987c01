"""The application: a path and a method lead to a handler, anything else to MLflow's error.

It runs on aiohttp's low-level server with its own table of paths: measured a third faster than
``aiohttp.web.Application``, whose patterns, middlewares and signals nothing here needs.
"""

from collections.abc import Mapping
from time import perf_counter

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
from services.gateway.browsers import EXTRA_HEADERS
from services.gateway.callers import root_door
from services.gateway.dialects import mlflow
from services.gateway.forward import Completion, forward, refused, respond
from services.gateway.guard import Guard
from services.gateway.health import fixed_json, probes
from services.gateway.measuring import measuring
from services.gateway.openapi import describe
from services.gateway.requests import read_request_id
from services.gateway.routes import ENDPOINTS
from services.gateway.routing import NO_PARAMETERS, Leaf, Parameters, Route, RouteTable
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


class App:
    """Answers HTTP requests. Once ``draining`` is set each answer closes its connection."""

    def __init__(self, storage: Storage, guard: Guard) -> None:
        self.routes = RouteTable()
        self.draining = False
        self._under_way = 0
        HTTP_IN_FLIGHT.set_function(lambda: self._under_way)
        self._storage = storage
        self._guard = guard

    async def close(self) -> None:
        """Close the connections to the storage."""
        await self._storage.close()

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        """Answer one request."""
        began = perf_counter()
        try:
            leaf, parameters = self.routes.fixed[request.path][request.method], NO_PARAMETERS
        except KeyError:
            leaf, parameters = self._look_further(request)
        status = 0
        self._under_way += 1
        try:
            stopped = self._guard.stop(request)
            response = stopped or await leaf.handler(request, parameters)
            status = response.status
        finally:
            self._under_way -= 1
            leaf.measure(status, perf_counter() - began)
        if "Origin" in request.headers and not response.prepared:
            response.headers.update(request.get(EXTRA_HEADERS, {}))
        if self.draining:
            response.force_close()
        return response

    def _look_further(self, request: BaseRequest) -> tuple[Leaf, Parameters]:
        route = self.routes.find(request)
        if route is None:
            return _NO_PATH, NO_PARAMETERS
        leaf = route.methods.get(request.method)
        return (leaf, route.parameters) if leaf else (_no_method(route), NO_PARAMETERS)


async def _no_path(request: BaseRequest, _parameters: Parameters) -> StreamResponse:
    message = f"There is no endpoint {request.path}."
    return refused(DomainError(ErrorCode.ENDPOINT_NOT_FOUND, message), _request_id(request))


_NO_PATH = Leaf(_no_path, measuring("none", "none"))
"""Clients can think of any path and method: they share one label."""


def _no_method(route: Route) -> Leaf:
    async def refuse(request: BaseRequest, _parameters: Parameters) -> StreamResponse:
        refusal = mlflow.refuse_method(request.method, ", ".join(route.methods))
        return respond(refusal, _request_id(request))

    return Leaf(refuse, _NO_PATH.measure)


def _request_id(request: BaseRequest) -> str:
    return read_request_id(request.headers, new_id().hex)


def create_app(bus: Bus, settings: Settings) -> App:
    """Build the routes around a bus client, which the caller starts and closes."""
    storage = Storage()
    app = App(storage, Guard(settings))
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
