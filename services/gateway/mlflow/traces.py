"""Endpoints of traces that take more than one message: what is read in pages, and what is deleted in portions.

A trace with its spans may be far larger than a message. So the gateway asks for page after page of spans and writes
each to the client before it asks for the next one. The bytes of a page are joined to the answer unparsed.
"""

import asyncio

from services.gateway.service_client import ServiceClient
from services.gateway.span_pages import END, Chunks, more_spans, split_token
from shared.contracts import limits
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.traces import (
    BatchGetTraces,
    DeleteTraces,
    DeleteTracesReply,
    GetTrace,
    ReadableTraces,
)

WAITS = (1.0, 2.0)
"""Seconds between attempts to read a trace whose spans are still on their way, as in MLflow's ``get_trace``."""


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
