"""The application: a path and a method lead to a handler, anything else to the dialect's error.

It runs on aiohttp's low-level server with its own tables of paths: measured a third faster than
``aiohttp.web.Application``, whose patterns, middlewares and signals nothing here needs.
"""

from aiohttp.web import BaseRequest, StreamResponse

from services.gateway.artifacts.handlers import Streams
from services.gateway.artifacts.storage import Storage
from services.gateway.asking import Bus
from services.gateway.callers import BY_PROJECT, PROJECT, ROOT
from services.gateway.dialects.refusal import wrong_method
from services.gateway.forward import refused
from services.gateway.health import fixed_json, probes
from services.gateway.measuring import NO_ROUTE, measured, observer
from services.gateway.mounts import (
    MLFLOW_OF_PROJECT,
    dialect_of,
    inside_project,
    measured_of_project,
    mlflow_routes,
)
from services.gateway.openapi import describe
from services.gateway.page.routes import page_routes, to_page
from services.gateway.requests import read_request_id
from services.gateway.routing import NO_PARAMETERS, Route, RouteTable
from services.gateway.settings import Settings
from shared.bus.messages import new_id
from shared.errors import DomainError, ErrorCode
from shared.metrics import HTTP_IN_FLIGHT

_count_lost = observer(NO_ROUTE, NO_ROUTE)


class App:
    """Answers HTTP requests. Once ``draining`` is set each answer closes its connection.

    ``routes`` are found by their whole path; those ``of_project`` by what follows
    ``/api/v4/projects/<project>``, so that one table serves every project.
    """

    def __init__(self, storage: Storage) -> None:
        self.routes = RouteTable(wrap=measured)
        self.of_project = RouteTable(wrap=measured_of_project)
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
        route = self._find(request)
        handler = route.methods.get(request.method) if route else None
        if route is None or handler is None:
            response = _no_handler(request, route)
            _count_lost(response.status, 0.0)
            return response
        return await handler(request, route.parameters)

    def _find(self, request: BaseRequest) -> Route | None:
        path = request.rel_url.raw_path
        if inside := inside_project(path):
            request[PROJECT], rest = inside
            if route := self.of_project.find(rest):
                return route
        return self.routes.find(path)


def _no_handler(request: BaseRequest, route: Route | None) -> StreamResponse:
    if route is not None:
        error: DomainError = wrong_method(request.method, ", ".join(route.methods))
    else:
        message = f"There is no endpoint {request.path}."
        error = DomainError(ErrorCode.ENDPOINT_NOT_FOUND, message)
    return refused(error, read_request_id(request.headers, new_id().hex), dialect_of(request))


def create_app(bus: Bus, settings: Settings) -> App:
    """Build the routes around a bus client, which the caller starts and closes."""
    storage = Storage()
    app = App(storage)
    for table, prefix, entrance in (
        (app.routes, "", ROOT),
        (app.of_project, MLFLOW_OF_PROJECT, BY_PROJECT),
    ):
        streams = Streams(bus, entrance, settings, storage)
        for method, path, handler in mlflow_routes(entrance, bus, settings, streams):
            table.add(method, prefix + path, handler)
        for path, probe in probes(bus, lambda: app.draining, settings).items():
            table.add("GET", prefix + path, probe)
        for method, path, file in page_routes():
            table.add(method, prefix + path, file)
    app.of_project.add("GET", MLFLOW_OF_PROJECT, to_page)
    app.routes.add("GET", "/openapi.json", fixed_json(describe))
    return app
