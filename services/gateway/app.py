"""The application: finds the handler of a path and method, and answers unknown ones with the dialect's error.

It runs on aiohttp's low-level server, with route tables of its own. ``docs/adr/0064-no-web-application.md`` says
what ``aiohttp.web.Application`` costs in CPU, and which of the gateway's rules it has no place for.
"""

from http import HTTPStatus
from itertools import chain
from time import perf_counter

from aiohttp.web import BaseRequest, StreamResponse

from services.gateway.artifacts.handlers import Streams
from services.gateway.artifacts.routes import package_routes
from services.gateway.artifacts.storage import Storage
from services.gateway.auth.authenticators import Authenticators
from services.gateway.auth.authorizations import TOPICS, Authorizations
from services.gateway.auth.callers import PROJECT
from services.gateway.auth.failures import Failures
from services.gateway.auth.mode import mode_of
from services.gateway.auth.permissions import required_permission
from services.gateway.auth.session_cookies import SessionCookies
from services.gateway.dialects.refusal import RETRY_AFTER_SECONDS, wrong_method
from services.gateway.gitlab.handlers import rest_routes
from services.gateway.graphql.prepared import PreparedQueries
from services.gateway.graphql.routes import graphql_routes
from services.gateway.http.guard import Guard
from services.gateway.http.health import fixed_json, probes, version
from services.gateway.http.measuring import measuring
from services.gateway.http.origins import EXTRA_HEADERS
from services.gateway.http.retry_after import RETRY_AFTER_IS_SET, RetryAfter
from services.gateway.http.routing import NO_PARAMETERS, Parameters, Route, RouteHandler, RouteTable
from services.gateway.mlflow.routes import (
    MLFLOW_OF_PROJECT,
    inside_project,
    mlflow_routes,
    unrouted_error,
)
from services.gateway.openapi.document import describe
from services.gateway.otlp.routes import Shared, otlp_routes
from services.gateway.settings import Settings
from services.gateway.sign_in.entrance import behind_sign_in, for_browser
from services.gateway.sign_in.handlers import SignIn
from services.gateway.sign_in.users import user_routes
from services.gateway.ui.routes import to_directory, ui_routes
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.runs import GetRun
from shared.messaging.calls import Bus, EventfulBus
from shared.runtime.metrics import HTTP_IN_FLIGHT
from shared.tracing.hooks import OFF, Tracing


class App:
    """Answers HTTP requests. Once ``draining`` is set, each answer closes its connection.

    ``routes`` is searched by the whole path. ``of_project`` is searched by the part that follows
    ``/api/v4/projects/<project>``, so that one table serves every project.
    """

    def __init__(self, storage: Storage, guard: Guard, tracing: Tracing) -> None:
        self.routes = RouteTable(tracing=tracing)
        self.of_project = RouteTable("/api/v4/projects/{project}", tracing)
        self.draining = False
        self._under_way = 0
        HTTP_IN_FLIGHT.set_function(lambda: self._under_way)
        self._storage = storage
        self._guard = guard
        self._retry_after = RetryAfter()

    async def close(self) -> None:
        """Close the connections to the storage."""
        await self._storage.close()

    async def __call__(self, request: BaseRequest) -> StreamResponse:
        """Answer one request."""
        began = perf_counter()
        # The route comes before the guard: a stopped request is measured under its route, too. Almost every
        # request ends the search here, with two dictionary look-ups.
        try:
            route_handler, parameters = (
                self.routes.fixed[request.path][request.method],
                NO_PARAMETERS,
            )
        except KeyError:
            route_handler, parameters = self._search(request)
        # Without an answer, because the client has gone, the status stays 0: it is measured as "aborted".
        status = 0
        self._under_way += 1
        try:
            stopped = self._guard.stop(request)
            response = stopped or await route_handler.handler(request, parameters)
            if response.status == HTTPStatus.UNAUTHORIZED:
                response = for_browser(request, response)
            status = response.status
        finally:
            self._under_way -= 1
            route_handler.measure(status, perf_counter() - began)
        # The guard knows when its own refusals end, so its Retry-After stays.
        if status in RETRY_AFTER_SECONDS and not stopped:
            self._set_retry_after(request, response)
        # The headers of a streamed answer are sent already; its handler has added these itself.
        if "Origin" in request.headers and not response.prepared:
            response.headers.update(request.get(EXTRA_HEADERS, {}))
        if self.draining:
            response.force_close()
        return response

    def _set_retry_after(self, request: BaseRequest, response: StreamResponse) -> None:
        if "Retry-After" in response.headers and RETRY_AFTER_IS_SET not in request:
            response.headers["Retry-After"] = str(self._retry_after.seconds())

    def _search(self, request: BaseRequest) -> tuple[RouteHandler, Parameters]:
        route = self._find(request)
        if route is None:
            return _NO_PATH, NO_PARAMETERS
        route_handler = route.methods.get(request.method)
        return (
            (route_handler, route.parameters)
            if route_handler
            else (_no_method(route), NO_PARAMETERS)
        )

    def _find(self, request: BaseRequest) -> Route | None:
        path = request.rel_url.raw_path
        if inside := inside_project(path):
            request[PROJECT], rest = inside
            if route := self.of_project.find(rest):
                return route
        return self.routes.find(path) or (
            self._find_loosely(request, path) if "//" in path else None
        )

    def _find_loosely(self, request: BaseRequest, path: str) -> Route | None:
        """Find the route of a path with doubled slashes: some clients' tracking URI ends with a slash."""
        if inside := inside_project(path, loosely=True):
            request[PROJECT], rest = inside
            if route := self.of_project.find_loosely(rest):
                return route
        return self.routes.find_loosely(path)


async def _no_path(request: BaseRequest, _parameters: Parameters) -> StreamResponse:
    message = f"There is no endpoint {request.path}."
    return unrouted_error(request, DomainError(ErrorCode.ENDPOINT_NOT_FOUND, message))


_NO_PATH = RouteHandler(_no_path, measuring("none", "none"))
"""All unknown paths and methods share one metric label, because clients can invent any number of them."""


def _no_method(route: Route) -> RouteHandler:
    async def refuse(request: BaseRequest, _parameters: Parameters) -> StreamResponse:
        return unrouted_error(request, wrong_method(request.method, ", ".join(route.methods)))

    return RouteHandler(refuse, _NO_PATH.measure)


def create_app(
    bus: EventfulBus, settings: Settings, tracing: Tracing = OFF, storage: Storage | None = None
) -> App:
    """Build the application around a bus client. The caller starts the client afterwards, and closes it.

    ``storage`` replaces the one that the settings describe.
    """
    storage = storage or Storage(settings.storage_ca_file, tracing)
    app = App(storage, Guard(settings), tracing)
    # The handlers call the bus through the tracing; events and the readiness probe use the bus itself.
    calls = tracing.bus(bus)
    authenticators = _authenticators(bus, calls, settings)
    at_root = Streams(calls, authenticators.root, settings, storage)
    in_project = Streams(calls, authenticators.by_project, settings, storage)
    pages = tuple(ui_routes(settings.ui_directory))
    prepared = PreparedQueries()
    shared = Shared(settings)
    for table, prefix, streams in (
        (app.routes, "", at_root),
        (app.of_project, MLFLOW_OF_PROJECT, in_project),
    ):
        for method, path, handler in chain(
            mlflow_routes(streams),
            graphql_routes(prepared, calls, streams.mount, settings),
            otlp_routes(calls, streams.mount, settings, shared),
        ):
            table.add(method, prefix + path, handler)
        is_root = table is app.routes
        reads = streams.mount.authenticator_for(required_permission(GetRun))
        for path, probe in probes(bus, lambda: app.draining, settings, workspaces=is_root).items():
            table.add("GET", prefix + path, probe)
        for method, path, file in pages:
            page = behind_sign_in(file, reads) if path == "/" and settings.ui_directory else file
            table.add(method, prefix + path, page)
        for method, path, handler in user_routes(authenticators):
            table.add(method, prefix + path, handler)
    app.of_project.add("GET", MLFLOW_OF_PROJECT, to_directory)
    for method, path, handler in package_routes(in_project):
        app.of_project.add(method, path, handler)
    for method, path, handler in rest_routes(authenticators, calls, settings):
        app.routes.add(method, path, handler)
    for method, path, handler in SignIn(authenticators, calls, settings).routes():
        app.routes.add(method, path, handler)
    app.routes.add("GET", "/api/v4/version", fixed_json(version))
    app.routes.add("GET", "/openapi.json", fixed_json(describe))
    return app


def _authenticators(bus: EventfulBus, calls: Bus, settings: Settings) -> Authenticators:
    mode = mode_of(settings.access_mode, settings.host)
    authorizations = Authorizations(calls, opens_root=mode == "open")
    bus.subscribe(TOPICS, authorizations.on_event, authorizations.forget)
    cookies = SessionCookies(settings.http)
    return Authenticators(authorizations, Failures(settings.http), cookies, mode)
