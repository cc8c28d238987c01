"""The route ``/graphql`` of one mount."""

from collections.abc import Iterator

from aiohttp.web import BaseRequest, Response, StreamResponse

from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import required_permission
from services.gateway.graphql.execution import GraphQLRequest, execute
from services.gateway.graphql.limits import MAX_BODY
from services.gateway.graphql.prepared import PreparedQueries
from services.gateway.graphql.resolvers import QUERIES, QuerySender
from services.gateway.http.forward import JSON_HEADERS, TOO_LONG, error_response
from services.gateway.http.requests import BodyLimit, read_body, read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from shared.contracts.message import Query
from shared.contracts.runs import GetRun
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.runtime import log_context

PATH = "/graphql"
METHODS = ("GET", "POST")
"""As in MLflow, which reads the body of a GET, too."""


def graphql_routes(
    prepared: PreparedQueries, bus: Bus, mount: Mount, settings: Settings
) -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each route."""
    handler = _graphql(prepared, bus, mount, settings)
    for method in METHODS:
        yield method, PATH, handler


def _graphql(prepared: PreparedQueries, bus: Bus, mount: Mount, settings: Settings) -> Handler:
    dialect = mount.dialect
    authenticators = {each: mount.authenticator_for(required_permission(each)) for each in QUERIES}
    # Every query needs the right to read experiments; some need more, and are refused one by one.
    authenticate = authenticators[GetRun]
    max_bytes = min(MAX_BODY, settings.max_body_bytes)
    limit = BodyLimit(max_bytes, TOO_LONG, settings.http.body_timeout)

    async def handle(request: BaseRequest, _parameters: Parameters) -> StreamResponse:
        request_id = read_request_id(request.headers, new_id().hex)
        log_context.request_id.set(request_id)

        async def allow(contract: type[Query]) -> None:
            await authenticators[contract](request)

        try:
            caller = await authenticate(request)
            asked = GraphQLRequest.parse(await read_body(request, limit))
            services = ServiceClient(
                bus, caller, dialect.name, request_id, settings.request_timeout
            )
            body = await execute(asked, prepared, QuerySender(services, allow), dialect)
        except Exception as error:
            return error_response(error, request, request_id, dialect)
        return Response(body=body, headers={**JSON_HEADERS, "X-Request-Id": request_id})

    return handle
