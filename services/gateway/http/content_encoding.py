"""Bodies with ``Content-Encoding``: inflated by whoever reads them, in slices, between which others get their turn.

aiohttp would inflate while it parses, before anybody has looked at the path or the token, and without an
end: a megabyte of gzip holds a gigabyte. So its parser passes bodies on as they are, and the handler inflates
what it is about to read, as far as its own limit.
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
"""Bytes that one step yields at most: a fraction of a millisecond's work."""

WINDOW = 2**14
"""Bytes that one step is given at most. What a step leaves is copied, so that more would cost its square."""

_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_DEFLATED = 8
"""The lower half of the first byte of a zlib stream."""


def encoding_of(request: BaseRequest) -> str:
    """Return how the body is compressed: ``gzip``, ``deflate``, or nothing. Raises HttpError 415 for another way."""
    header = request.headers.get(CONTENT_ENCODING)
    if header is None:
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
    """Yield what the chunks of a compressed body hold, as far as somebody asks.

    Raises DomainError if they are not compressed in this way, or if the end is missing.
    """
    stream = _Stream(encoding)
    async for chunk in chunks:
        for begin in range(0, len(chunk), WINDOW):
            for piece in stream.feed(chunk[begin : begin + WINDOW]):
                if piece:
                    yield piece
                await asyncio.sleep(0)
    stream.finish()


class _Stream:
    """One body; gzip may have several members, one behind the other (RFC 1952)."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._inflater: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the bytes hold, in slices, which may be empty."""
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
            # zlib may have taken all of the data and still hold back a part of what it makes of them.
            full = len(piece) == SLICE and not inflater.eof
            yield piece

    def finish(self) -> None:
        """Raise DomainError if more was to come."""
        if self._inflater is not None and not self._inflater.eof:
            raise self._unreadable()

    def _window_bits(self, data: bytes) -> int:
        """Tell zlib what to expect. ``deflate`` means a zlib stream, but many send what is inside it."""
        if self._encoding == "gzip":
            return _GZIP
        return _ZLIB if data[0] & 15 == _DEFLATED else _RAW

    def _unreadable(self) -> DomainError:
        message = f"The body is no whole {self._encoding} stream, as which its Content-Encoding announces it."
        return DomainError(ErrorCode.BAD_REQUEST, message)
