"""From an HTTP request to the payload of a command or query, unparsed where it can be.

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
    """The client did not send what it announced, or does not take what it asked for."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """How long a body may be, in bytes and in seconds.

    ``too_long`` is a template that may name ``limit`` and ``size``.
    """

    max_bytes: int
    too_long: str
    seconds: float

    def exceeded(self, size: object) -> DomainError:
        """Return the refusal of a body of this size."""
        return invalid(self.too_long.format(limit=self.max_bytes, size=size))


async def read_body(request: BaseRequest, limit: BodyLimit) -> bytes:
    """Return the raw JSON; empty means no parameters.

    Raises DomainError for another content type, and what ``receive`` raises.
    """
    body = await receive(request, limit)
    if not body:
        return body
    check_content_type(request)
    return body if body[0] == ord("{") else _plain(body)


async def receive(request: BaseRequest, limit: BodyLimit) -> bytes:
    """Return the body, whatever it is.

    A compressed one is inflated, as far as the limit. Raises DomainError for a longer one, or one that is not
    compressed as its headers announce; RequestPayloadError for one whose chunks are malformed; TooSlowError.
    """
    announced = request.content_length
    if announced is not None and announced > limit.max_bytes:
        raise limit.exceeded(announced)
    if "Expect" in request.headers:
        await say_continue(request)
    try:
        if request.content.is_eof():
            body = await request.read()
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
    """Tell a client that asked first (curl does, for large bodies) to go on and send it."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # Nothing of the answer itself is written yet.
        request.writer.output_size = 0


def expect_nothing(request: BaseRequest) -> None:
    """Wait for no body of a client that asked first and got an answer instead: it won't send one."""
    if "Expect" in request.headers and not request.content.total_bytes:
        request.content.feed_eof()


def check_content_type(request: BaseRequest) -> None:
    """Refuse a body that doesn't say it is JSON."""
    content_type = media_type(request)
    if not content_type:
        message = "Bad Request. Content-Type header is missing."
        raise invalid(message)
    if content_type != JSON:
        message = f"Bad Request. Content-Type must be one of ['{JSON}']."
        raise invalid(message)


def media_type(request: BaseRequest) -> str:
    """Return the type of the body without its parameters, such as the charset; empty if not given."""
    content_type = request.headers.get("Content-Type", "")
    return content_type if content_type == JSON else content_type.partition(";")[0].strip().lower()


def _plain(body: bytes) -> bytes:
    """Return the JSON in UTF-8, without a byte order mark, and not inside a JSON string.

    MLflow's server reads a body with ``json.loads``, which takes UTF-16 and UTF-32 as well.
    """
    encoding = json.detect_encoding(body)
    if encoding != "utf-8":
        try:
            body = body.decode(encoding).encode()
        except UnicodeError:
            return body  # The service's parser finds the words for what is wrong with it.
    return _decode_twice(body) if body[:1] == b'"' else body


def _decode_twice(body: bytes) -> bytes:
    """Unwrap the JSON that MLflow's oldest clients sent inside a JSON string."""
    try:
        inner = json.loads(body)
    except ValueError:
        return body  # The service's parser finds the words for what is wrong with it.
    return inner.encode(errors="replace") if isinstance(inner, str) else body


def read_key(headers: Mapping[str, str]) -> str | None:
    """Return the header ``Idempotency-Key``. Raises DomainError if it is no usable key."""
    key = headers.get("Idempotency-Key")
    if key is not None and not _VISIBLE.fullmatch(key):
        message = "The Idempotency-Key must be 1 to 255 visible ASCII characters."
        raise invalid(message)
    return key


def read_request_id(headers: Mapping[str, str], default: str) -> str:
    """Return the caller's ``X-Request-Id`` if it is fit to be logged and sent back."""
    given = headers.get("X-Request-Id")
    return given if given is not None and _VISIBLE.fullmatch(given) else default
