"""Inflates bodies with ``Content-Encoding`` in small slices, and lets other requests run between two slices.

aiohttp's parser would inflate a body before the path and the token are checked, and without a limit: a megabyte
of gzip can hold a gigabyte. Its inflating is therefore switched off. The handler inflates the body while it
reads it, up to the handler's own limit.
"""

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from http import HTTPStatus

from aiohttp.web import BaseRequest

from services.gateway.dialects.refusal import HttpError
from shared.contracts.errors import DomainError, ErrorCode

CONTENT_ENCODING = "Content-Encoding"

SLICE = 2**17
"""The most bytes that one step yields. A step takes a fraction of a millisecond."""

WINDOW = 2**14
"""The most bytes that one step is given.

zlib copies the input that a step leaves over. With larger inputs the cost of these copies would grow with the
square of the input's size.
"""

_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_DEFLATED = 8
"""The lower four bits of the first byte of a zlib stream: the method "deflate" (RFC 1950)."""


def encoding_of(request: BaseRequest) -> str:
    """Return the body's compression: ``gzip``, ``deflate`` or an empty string. Raises HttpError 415 for another.

    A repeated header counts as one list: the codings of all its lines were applied to the body.
    """
    header = ",".join(request.headers.getall(CONTENT_ENCODING, ()))
    if not header:
        return ""
    codings = [each.strip().lower() for each in header.split(",")]
    codings = [each for each in codings if each not in {"", "identity"}]
    if not codings:
        return ""
    if len(codings) == 1 and codings[0] in _CODINGS:
        return _CODINGS[codings[0]]
    message = f"The Content-Encoding {header!r} is not supported; send the body uncompressed, or as gzip or deflate."
    accepted = {"Accept-Encoding": "gzip, deflate"}
    raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, accepted)


async def inflated(chunks: AsyncIterable[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Yield the inflated bytes of a compressed body. Only what the caller consumes is inflated.

    Raises DomainError if the body is not compressed in this way, or if its end is missing.
    """
    stream = _Stream(encoding)
    async for chunk in chunks:
        for begin in range(0, len(chunk), WINDOW):
            for piece in stream.feed(chunk[begin : begin + WINDOW]):
                if piece:
                    yield piece
                    await asyncio.sleep(0)
            # Inflating never waits for anything, so that other requests would stand still without these turns. An
            # empty piece gives none: a window may hold a thousand empty members.
            await asyncio.sleep(0)
    stream.finish()


class _Stream:
    """The inflating of one body. A gzip body may consist of several members (RFC 1952)."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._inflater: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the inflated bytes in slices, which may be empty."""
        full = False
        while data or full:
            inflater = self._inflater
            if inflater is None or (inflater.eof and data):
                inflater = self._inflater = zlib.decompressobj(self._window_bits(data))
            try:
                piece = inflater.decompress(data, SLICE)
            except zlib.error:
                raise self._unreadable() from None
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            # zlib may have taken all input and still hold output back: a full slice means that more may follow.
            full = len(piece) == SLICE and not inflater.eof
            yield piece

    def finish(self) -> None:
        """Raise DomainError if the stream is not complete."""
        if self._inflater is not None and not self._inflater.eof:
            raise self._unreadable()

    def _window_bits(self, data: bytes) -> int:
        """Return the format for zlib. ``deflate`` means a zlib stream, but many clients send it without the header."""
        if self._encoding == "gzip":
            return _GZIP
        return _ZLIB if data[0] & 15 == _DEFLATED else _RAW

    def _unreadable(self) -> DomainError:
        message = f"The body is not a complete {self._encoding} stream, although Content-Encoding says so."
        return DomainError(ErrorCode.BAD_REQUEST, message)
