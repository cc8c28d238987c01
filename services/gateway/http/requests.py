"""Reads the payload of a command or query from an HTTP request, unparsed where possible.

Sources of the rules: ``_validate_content_type`` in ``mlflow/server/validation.py``, and
``_get_request_message`` and ``_get_normalized_request_json`` in ``mlflow/server/handlers.py``.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from aiohttp.web import BaseRequest, HTTPRequestEntityTooLarge

from services.gateway.http.content_encoding import CONTENT_ENCODING, encoding_of, inflated
from shared.contracts.errors import DomainError, invalid

JSON = "application/json"
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")


class TooSlowError(Exception):
    """The client did not send its body, or did not read the answer, within the allowed time."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """The largest body in bytes, and the longest time in seconds that it may take to arrive.

    ``too_long`` is the error message, a template that may use ``limit`` and ``size``.
    """

    max_bytes: int
    too_long: str
    seconds: float

    def exceeded(self, size: object) -> DomainError:
        """Return the error for a body of this size."""
        return invalid(self.too_long.format(limit=self.max_bytes, size=size))


async def read_body(request: BaseRequest, limit: BodyLimit) -> bytes:
    """Return the raw JSON of a body. An empty result means that there are no parameters.

    Raises DomainError for another content type, and the errors of ``receive``.
    """
    body = await receive(request, limit)
    if not body:
        return body
    # Nearly every client sends exactly this type, which needs no parsing.
    if request.headers.get("Content-Type") != JSON:
        check_content_type(request)
    # Nearly every body begins with a brace, which ends the inspection: the service parses it.
    return body if body[0] == ord("{") else _plain(body)


async def receive(request: BaseRequest, limit: BodyLimit) -> bytes:
    """Return the body, of any type. A compressed body is inflated, up to the limit.

    Raises DomainError for a body beyond the limit or not compressed as its headers announce,
    RequestPayloadError for malformed chunks, and TooSlowError.
    """
    announced = request.content_length
    if announced is not None and announced > limit.max_bytes:
        raise limit.exceeded(announced)
    if "Expect" in request.headers:
        await say_continue(request)
    try:
        # A body that has arrived already, as most have, needs no timer.
        if request.content.is_eof():
            body = request.content.read_nowait()
        else:
            async with asyncio.timeout(limit.seconds):
                body = await request.read()
    except TimeoutError:
        raise TooSlowError(f"The body did not arrive within {limit.seconds:g} s.") from None
    except HTTPRequestEntityTooLarge:
        raise limit.exceeded(f"more than {limit.max_bytes}") from None
    if len(body) > limit.max_bytes:
        raise limit.exceeded(len(body))
    if CONTENT_ENCODING in request.headers and body:
        return await _inflate(body, encoding_of(request), limit)
    return body


async def _inflate(body: bytes, encoding: str, limit: BodyLimit) -> bytes:
    if not encoding:
        return body
    whole = bytearray()
    async for piece in inflated(_once(body), encoding):
        whole += piece
        if len(whole) > limit.max_bytes:
            raise limit.exceeded(f"more than {limit.max_bytes}")
    return bytes(whole)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def say_continue(request: BaseRequest) -> None:
    """Send ``100 Continue`` to a client that waits for it before its body, as curl does for large bodies."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The bytes of "100 Continue" must not count as the start of the answer.
        request.writer.output_size = 0


def expect_nothing(request: BaseRequest) -> None:
    """End the body of a client that waits for ``100 Continue`` and gets the final answer instead: it sends none."""
    if "Expect" in request.headers and not request.content.total_bytes:
        request.content.feed_eof()


def check_content_type(request: BaseRequest) -> None:
    """Raise DomainError if the Content-Type is not JSON."""
    content_type = media_type(request)
    if not content_type:
        message = "Bad Request. Content-Type header is missing."
        raise invalid(message)
    if content_type != JSON:
        message = f"Bad Request. Content-Type must be one of ['{JSON}']."
        raise invalid(message)


def media_type(request: BaseRequest) -> str:
    """Return the Content-Type without its parameters, such as the charset; empty if there is none."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _plain(body: bytes) -> bytes:
    """Return JSON as UTF-8, without a byte order mark, and unwrapped from a JSON string.

    MLflow's server reads bodies with ``json.loads``, which accepts UTF-16 and UTF-32 as well.
    """
    encoding = json.detect_encoding(body)
    if encoding != "utf-8":
        try:
            body = body.decode(encoding).encode()
        except UnicodeError:
            return body  # The service's parser refuses it, with a message that says what is wrong.
    return _decode_twice(body) if body[:1] == b'"' else body


def _decode_twice(body: bytes) -> bytes:
    """Return the JSON that MLflow's oldest clients send inside a JSON string."""
    try:
        inner = json.loads(body)
    except ValueError:
        return body  # The service's parser refuses it, with a message that says what is wrong.
    return inner.encode(errors="replace") if isinstance(inner, str) else body


def check_key(key: str) -> None:
    """Raise DomainError if the value of ``Idempotency-Key`` is unusable."""
    if not _VISIBLE.fullmatch(key):
        message = "The Idempotency-Key must be 1 to 255 visible ASCII characters."
        raise invalid(message)


def read_request_id(headers: Mapping[str, str], default: str) -> str:
    """Return the client's ``X-Request-Id`` if it is safe to log and to send back, otherwise ``default``."""
    given = headers.get("X-Request-Id")
    return given if given is not None and _VISIBLE.fullmatch(given) else default
