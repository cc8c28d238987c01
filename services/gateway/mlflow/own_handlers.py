"""The handlers of endpoints that take more than one message to a service."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp.web import BaseRequest, Response, StreamResponse

from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import required_permission
from services.gateway.http.endpoint import Endpoint
from services.gateway.http.fields import overlay_of
from services.gateway.http.forward import JSON_HEADERS, body_reader, error_response
from services.gateway.http.requests import check_key, read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.http.streaming import stream
from services.gateway.mlflow.evaluation_datasets import upsert_records
from services.gateway.mlflow.traces import batch_get_traces, delete_traces, get_trace
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from services.gateway.span_pages import Chunks
from shared.contracts.evaluation_datasets import UpsertDatasetRecords
from shared.contracts.message import Message
from shared.contracts.traces import BatchGetTraces, DeleteTraces, GetTrace
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.runtime import log_context

Read = Callable[[bytes, ServiceClient], Chunks]
"""Sends the queries of a request, and yields the bytes of its answer."""

Change = Callable[[bytes, ServiceClient, str | None], Awaitable[bytes]]
"""Sends the commands of a request, of which the first has its idempotency key, and returns the JSON of its answer."""

READS: Mapping[type[Message], Read] = {GetTrace: get_trace, BatchGetTraces: batch_get_traces}

CHANGES: Mapping[type[Message], Change] = {
    DeleteTraces: delete_traces,
    UpsertDatasetRecords: upsert_records,
}

Work = Callable[[BaseRequest, bytes, ServiceClient], Awaitable[StreamResponse]]
"""Sends the messages of a request, and answers it."""


def own_handler(endpoint: Endpoint, bus: Bus, mount: Mount, settings: Settings) -> Handler | None:
    """Return the handler of an endpoint that takes more than one message; None for another endpoint."""
    read, change = READS.get(endpoint.contract), CHANGES.get(endpoint.contract)
    if read is not None:
        return _handler(endpoint, bus, mount, settings, _reading(read, settings))
    if change is not None:
        return _handler(endpoint, bus, mount, settings, _changing(change))
    return None


def _reading(read: Read, settings: Settings) -> Work:
    async def work(request: BaseRequest, payload: bytes, services: ServiceClient) -> StreamResponse:
        headers = {**JSON_HEADERS, "X-Request-Id": services.request_id}
        chunks = read(payload, services)
        return await stream(request, chunks, headers, settings.http.stall_timeout)

    return work


def _changing(change: Change) -> Work:

    async def work(request: BaseRequest, payload: bytes, services: ServiceClient) -> StreamResponse:
        key = request.headers.get("Idempotency-Key")
        if key is not None:
            check_key(key)
        body = await change(payload, services, key)
        return Response(body=body, headers={**JSON_HEADERS, "X-Request-Id": services.request_id})

    return work


def _handler(endpoint: Endpoint, bus: Bus, mount: Mount, settings: Settings, work: Work) -> Handler:
    authenticate = mount.authenticator_for(required_permission(endpoint.contract))
    dialect = mount.dialect
    read_payload, overlay = body_reader(endpoint, dialect, settings), overlay_of(endpoint.contract)

    async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
        request_id = read_request_id(request.headers, new_id().hex)
        log_context.request_id.set(request_id)
        try:
            caller = await authenticate(request)
            payload = await read_payload(request)
            if parameters:
                payload = overlay.put(payload, parameters)
            services = ServiceClient(
                bus, caller, dialect.name, request_id, settings.request_timeout
            )
            return await work(request, payload, services)
        except Exception as error:
            return error_response(error, request, request_id, dialect)

    return handle
