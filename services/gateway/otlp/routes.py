"""The route ``/v1/traces`` of one mount: OTLP over HTTP.

Source: ``mlflow/server/otel_api.py``, and https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from collections.abc import Iterator
from http import HTTPStatus

from aiohttp.web import BaseRequest, StreamResponse

from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import required_permission
from services.gateway.dialects.refusal import HttpError
from services.gateway.http.forward import error_response
from services.gateway.http.requests import expect_nothing, media_type, read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.otlp.answers import refused, stored
from services.gateway.otlp.attributes import encodable
from services.gateway.otlp.export import Export
from services.gateway.otlp.prices import Prices
from services.gateway.otlp.receiving import receive
from services.gateway.otlp.requests import JSON, PROTOBUF, split
from services.gateway.otlp.room import Room
from services.gateway.otlp.turns import Turns
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from shared.contracts import limits
from shared.contracts.errors import DomainError
from shared.contracts.spans import LogSpans
from shared.contracts.validation import missing_value
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.runtime import log_context

PATH = "/v1/traces"
EXPERIMENT = "x-mlflow-experiment-id"
RUN = "x-mlflow-run-id"


class Shared:
    """What the routes of all mounts share: the room for bodies, the turns to read spans, and the prices of models."""

    def __init__(self, settings: Settings) -> None:
        self.room = Room(settings.max_otlp_bytes_held)
        self.turns = Turns()
        self.prices = Prices(settings.model_prices)


def otlp_routes(
    bus: Bus, mount: Mount, settings: Settings, shared: Shared
) -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each route."""
    yield "POST", PATH, _export(bus, mount, settings, shared)


def _export(bus: Bus, mount: Mount, settings: Settings, shared: Shared) -> Handler:
    dialect = mount.dialect
    authenticate = mount.authenticator_for(required_permission(LogSpans))
    # More than the gateway may hold would be answered with 429 for ever.
    most = min(settings.max_otlp_bytes, settings.max_otlp_bytes_held)
    limits_by_type = {PROTOBUF: most, JSON: min(limits.BODY, most)}

    async def handle(request: BaseRequest, _parameters: Parameters) -> StreamResponse:
        request_id = read_request_id(request.headers, new_id().hex)
        log_context.request_id.set(request_id)
        kind = media_type(request)
        try:
            # The caller is checked before the body is read: a refused client costs no memory.
            caller = await authenticate(request)
            services = ServiceClient(
                bus, caller, dialect.name, request_id, settings.request_timeout
            )
            experiment_id, run_id = _experiment_of(request), _header(request, RUN)
            export = Export(services, shared.prices, shared.turns, experiment_id, run_id)
            if kind not in limits_by_type:
                raise _unknown_type(kind)
            with shared.room.lease() as lease:
                timeout = settings.http.body_timeout
                # Nothing else refers to the body, so that it is freed once it is split.
                await export.run(
                    split(await receive(request, limits_by_type[kind], timeout, lease), kind)
                )
        except DomainError as error:
            expect_nothing(request)
            return refused(error, kind, request_id, dialect)
        except Exception as error:
            return error_response(error, request, request_id, dialect)
        return stored(kind, export.rejected, export.message, request_id)

    return handle


def _experiment_of(request: BaseRequest) -> str:
    experiment_id = _header(request, EXPERIMENT)
    if not experiment_id:
        raise missing_value(EXPERIMENT)
    return experiment_id


def _header(request: BaseRequest, name: str) -> str:
    """Return a header's value; what is no UTF-8 in it, which no id has, becomes a question mark."""
    return encodable(request.headers.get(name, "").strip())


def _unknown_type(kind: str) -> HttpError:
    message = f"Invalid Content-Type: {kind or 'none'}. Expected: {PROTOBUF} or {JSON}"
    return HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
