"""Endpoints of traces that take more than one message: what is read in pages, and what is deleted in portions.

A trace with its spans may be far larger than a message. So the gateway asks for page after page of spans and writes
each to the client before it asks for the next one. The bytes of a page are joined to the answer unparsed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp.web import BaseRequest, Response, StreamResponse

from services.gateway.auth.callers import Mount
from services.gateway.auth.permissions import required_permission
from services.gateway.http.endpoint import Endpoint
from services.gateway.http.forward import JSON_HEADERS, body_reader, error_response
from services.gateway.http.requests import check_key, read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.http.streaming import stream
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from services.gateway.span_pages import END, Chunks, more_spans, split_token
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message
from shared.contracts.traces import (
    BatchGetTraces,
    DeleteTraces,
    DeleteTracesReply,
    GetTrace,
    ReadableTraces,
)
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.runtime import log_context

WAITS = (1.0, 2.0)
"""Seconds between attempts to read a trace whose spans are still on their way, as in MLflow's ``get_trace``."""

Read = Callable[[bytes, ServiceClient], Chunks]


async def get_trace(payload: bytes, services: ServiceClient) -> Chunks:
    """Read one trace: ``{"trace": …}``."""
    body, token = split_token(await _first_page(payload, services))
    if not token:
        yield body
        return
    end = b"]}}"
    yield body[: -len(end)]
    async for chunk in more_spans(services, GetTrace.parse(payload).trace_id, token, "otlp"):
        yield chunk
    yield end


async def _first_page(payload: bytes, services: ServiceClient) -> bytes:
    for wait in WAITS:
        try:
            return await services.forward(GetTrace, payload)
        except DomainError as error:
            # The service says by this parameter that spans are missing.
            if error.parameter != "allow_partial":
                raise
        await asyncio.sleep(wait)
    return await services.forward(GetTrace, payload)


async def batch_get_traces(payload: bytes, services: ServiceClient) -> Chunks:
    """Read several traces, one after the other. The service says which of them are complete."""
    start, end = len(b'{"trace":'), len(b"}")
    reply = await services.forward(BatchGetTraces, payload)
    ids = ReadableTraces.model_validate_json(reply).trace_ids
    separator = b'{"traces":['
    for trace_id in ids:
        query = GetTrace(trace_id=trace_id, allow_partial=True)
        body, token = await _page_or_nothing(services, query)
        if not body:
            continue
        yield separator + body[start : -(end + (len(END) if token else 0))]
        separator = b","
        if token:
            async for chunk in more_spans(services, trace_id, token, "otlp"):
                yield chunk
            yield END
    yield b"]}" if separator == b"," else b'{"traces":[]}'


async def _page_or_nothing(services: ServiceClient, query: GetTrace) -> tuple[bytes, str]:
    """Return the first page of a trace; nothing if the trace was deleted meanwhile."""
    try:
        return split_token(await services.send(query))
    except DomainError as error:
        if error.code is not ErrorCode.RESOURCE_DOES_NOT_EXIST:
            raise
        return b"", ""


READS: Mapping[type[Message], Read] = {GetTrace: get_trace, BatchGetTraces: batch_get_traces}


async def delete_traces(payload: bytes, services: ServiceClient, key: str | None) -> bytes:
    """Delete traces portion by portion, until the number that was asked for, or all of them, are gone."""
    reply = await services.forward(DeleteTraces, payload, key)
    portion = deleted = DeleteTracesReply.model_validate_json(reply).traces_deleted
    while portion == limits.DELETED_TRACES:
        command = DeleteTraces.parse(payload)
        if command.request_ids or deleted == command.max_traces:
            break
        left = None if command.max_traces is None else command.max_traces - deleted
        reply = await services.send(command.model_copy(update={"max_traces": left}))
        portion = DeleteTracesReply.model_validate_json(reply).traces_deleted
        deleted += portion
    return DeleteTracesReply(traces_deleted=deleted).model_dump_json().encode()


def own_handler(endpoint: Endpoint, bus: Bus, mount: Mount, settings: Settings) -> Handler | None:
    """Return the handler of an endpoint that takes more than one message; None for another endpoint."""
    read = READS.get(endpoint.contract)
    if read is not None:
        return _handler(endpoint, bus, mount, settings, _reading(read, settings))
    if endpoint.contract is DeleteTraces:
        return _handler(endpoint, bus, mount, settings, _deleting)
    return None


Work = Callable[[BaseRequest, bytes, ServiceClient], Awaitable[StreamResponse]]


def _reading(read: Read, settings: Settings) -> Work:
    async def work(request: BaseRequest, payload: bytes, services: ServiceClient) -> StreamResponse:
        headers = {**JSON_HEADERS, "X-Request-Id": services.request_id}
        chunks = read(payload, services)
        return await stream(request, chunks, headers, settings.http.stall_timeout)

    return work


async def _deleting(
    request: BaseRequest, payload: bytes, services: ServiceClient
) -> StreamResponse:
    key = request.headers.get("Idempotency-Key")
    if key is not None:
        check_key(key)
    body = await delete_traces(payload, services, key)
    return Response(body=body, headers={**JSON_HEADERS, "X-Request-Id": services.request_id})


def _handler(endpoint: Endpoint, bus: Bus, mount: Mount, settings: Settings, work: Work) -> Handler:
    authenticate = mount.authenticator_for(required_permission(endpoint.contract))
    dialect = mount.dialect
    read_payload = body_reader(endpoint, dialect, settings)

    async def handle(request: BaseRequest, _parameters: Parameters) -> StreamResponse:
        request_id = read_request_id(request.headers, new_id().hex)
        log_context.request_id.set(request_id)
        try:
            caller = await authenticate(request)
            payload = await read_payload(request)
            services = ServiceClient(
                bus, caller, dialect.name, request_id, settings.request_timeout
            )
            return await work(request, payload, services)
        except Exception as error:
            return error_response(error, request, request_id, dialect)

    return handle
