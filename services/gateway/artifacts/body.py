"""Streams a request's body: inflates it, and checks its size and its digest."""

import asyncio
import hashlib
from base64 import b64decode
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus

from aiohttp.web import BaseRequest

from services.gateway.dialects.refusal import HttpError
from services.gateway.http.content_encoding import encoding_of, inflated
from services.gateway.http.requests import TooSlowError
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.runtime.metrics import ARTIFACT_BYTES

TOO_LARGE = "Artifacts must be at most {limit} bytes, got a file of size {size}."

_CHUNKED = "chunked"

_md5 = partial(hashlib.md5, usedforsecurity=False)

_INCOMING = ARTIFACT_BYTES.labels("in")


class Body:
    """The body of one request. ``length`` is None if it is not known in advance."""

    def __init__(
        self, request: BaseRequest, limit: int, stall_seconds: float, too_large: str = TOO_LARGE
    ) -> None:
        """Read the announced length, encoding and digest.

        Raises DomainError if the length is over the limit, or if the body is not the artifact itself.
        ``stall_seconds`` is the number of seconds for which the client may send nothing.
        """
        self._request = request
        self._limit = limit
        self._stall_seconds = stall_seconds
        self._too_large = too_large
        self._size = 0
        _check_is_artifact(request)
        self._encoding = encoding_of(request)
        self._digest = _announced_digest(request)
        self.length = _announced(request)
        if self.length is not None and self.length > limit:
            raise self._refusal(str(self.length))
        if self.length == 0 and self._digest not in (None, _md5().digest()):
            raise _damaged()
        if self._encoding and self.length:
            # The announced length is the compressed one. The inflated length is not known in advance.
            self.length = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the inflated body. Can be called once. Raises DomainError beyond the limit, and TooSlowError."""
        # The digest is of the bytes as they are sent, so it is checked before they are inflated.
        arriving = self._arriving()
        if self._digest is not None:
            arriving = _checked(arriving, self._digest)
        async for chunk in inflated(arriving, self._encoding) if self._encoding else arriving:
            self._size += len(chunk)
            if self._size > self._limit:
                raise self._refusal(f"more than {self._limit}")
            _INCOMING.inc(len(chunk))
            yield chunk

    async def _arriving(self) -> AsyncIterator[bytes]:
        while chunk := await self._next():
            yield chunk

    async def _next(self) -> bytes:
        """Return the bytes that have arrived, or empty bytes at the end."""
        try:
            async with asyncio.timeout(self._stall_seconds):
                return await self._request.content.readany()
        except TimeoutError:
            message = f"The upload timed out: no data arrived for {self._stall_seconds:g} s. Nothing was stored; retry."
            raise TooSlowError(message) from None

    def _refusal(self, size: str) -> DomainError:
        return invalid(self._too_large.format(limit=self._limit, size=size))


async def _checked(chunks: AsyncIterator[bytes], digest: bytes) -> AsyncIterator[bytes]:
    """Yield the chunks. The last one follows only if the digest is right, so that no damaged body is stored."""
    found, held = _md5(), b""
    async for chunk in chunks:
        found.update(chunk)
        if held:
            yield held
        held = chunk
    if found.digest() != digest:
        raise _damaged()
    if held:
        yield held


def _check_is_artifact(request: BaseRequest) -> None:
    """Raise DomainError for a body that would be stored as something else than the artifact."""
    headers = request.headers
    if "Content-Range" in headers:
        # RFC 9110, 14.5: a server that can't write a part must not take the part for the whole.
        message = "An upload replaces the whole artifact, so it has no Content-Range; send the whole artifact."
        raise invalid(message)
    transfer = headers.get("Transfer-Encoding", _CHUNKED).strip().lower()
    if transfer not in {"", _CHUNKED}:
        message = (
            f"The Transfer-Encoding {transfer!r} is not supported; send the body uncompressed, "
            "or compressed with Content-Encoding: gzip."
        )
        raise HttpError(HTTPStatus.NOT_IMPLEMENTED, message, code=ErrorCode.NOT_IMPLEMENTED)


def _announced_digest(request: BaseRequest) -> bytes | None:
    """Return the MD5 of the sent body from ``Content-MD5`` (RFC 1864), None without it. Raises DomainError."""
    header = request.headers.get("Content-MD5")
    if header is None:
        return None
    try:
        digest = b64decode(header, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != _md5().digest_size:
        message = "Content-MD5 must be the base64 of a 16-byte MD5 digest."
        raise invalid(message)
    return digest


def _damaged() -> DomainError:
    return invalid(
        "The body does not match its Content-MD5. The artifact was not stored; send it again."
    )


def _announced(request: BaseRequest) -> int | None:
    """Return the announced length of the body in bytes; None if it is not announced."""
    if request.content_length is not None:
        return request.content_length
    return None if request.body_exists else 0
