"""Reads the spans of a trace page by page, and joins the bytes of the pages unparsed."""

import re
from collections.abc import AsyncIterator
from typing import Literal

from services.gateway.service_client import ServiceClient
from shared.contracts.spans import ListSpans

_TOKEN = re.compile(rb'\{"next_page_token":"([\w=-]*)",')
"""The service writes the token of the next page first."""

_SPANS = b'{"spans":['
END = b"]}"
"""The end of a list of spans and of the object that has it."""

Chunks = AsyncIterator[bytes]


def split_token(body: bytes) -> tuple[bytes, str]:
    """Return a reply without its token, and the token; it is empty on the last page."""
    found = _TOKEN.match(body)
    return (b"{" + body[found.end() :], found[1].decode()) if found else (body, "")


async def more_spans(
    services: ServiceClient, trace_id: str, token: str, form: Literal["mlflow", "otlp"]
) -> Chunks:
    """Yield the spans after a page, each page with a comma in front of it."""
    while token:
        query = ListSpans(trace_id=trace_id, page_token=token, form=form)
        body, token = split_token(await services.send(query))
        if spans := body[len(_SPANS) : -len(END)]:
            yield b"," + spans


async def stored_spans(services: ServiceClient, trace_id: str) -> Chunks:
    """Yield a trace's spans as MLflow's ``traces.json`` has them."""
    body, token = split_token(await services.send(ListSpans(trace_id=trace_id)))
    yield body[: -len(END)]
    async for chunk in more_spans(services, trace_id, token, "mlflow"):
        yield chunk
    yield END
