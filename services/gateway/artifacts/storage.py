"""The object storage as the gateway sees it: presigned URLs to read from and to write to."""

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path

import aiohttp
import structlog
from yarl import URL

from services.gateway.http.tls import storage_context
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.tracing.hooks import OFF, Tracing

_CONNECT_SECONDS = 5.0
SILENT_SECONDS = 60.0
"""How long the storage may do nothing when it is its turn: to take a chunk, to answer, to send on."""

_READING = aiohttp.ClientTimeout(
    total=None, sock_connect=_CONNECT_SECONDS, sock_read=SILENT_SECONDS
)
# aiohttp counts the seconds without an answer from the start of the request, and a large body takes
# longer; ``_timed`` counts them.
_WRITING = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)

_CODE = re.compile(rb"<Code>(\w{1,60})</Code>")
_ERROR_BYTES = 4096
# What S3 calls a bad request although the client did nothing wrong.
_OF_THE_MOMENT = {"RequestTimeout", "IncompleteBody", "ExpiredToken", "InvalidToken"}

_log = structlog.get_logger(__name__)


class Storage:
    """A pool of connections to the storage. Nothing here knows a key or a bucket."""

    def __init__(self, ca_file: Path | None = None, tracing: Tracing = OFF) -> None:
        """``ca_file`` has the authority of its certificate, if the system does not know it."""
        self._tls = storage_context(ca_file)
        self._tracing = tracing
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def read(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give the storage's answer to GET or HEAD, its body unread.

        Raises DomainError(TEMPORARILY_UNAVAILABLE) if there is none.
        """

        async def work() -> aiohttp.ClientResponse:
            return await self._open().request(method, URL(url, encoded=True), headers=headers)

        try:
            answer = await self._tracing.outgoing(f"{method} storage", _method(method), work)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise away(error) from error
        async with answer:
            yield answer

    async def write(
        self, url: str, chunks: AsyncIterable[bytes], length: int, content_type: str
    ) -> str:
        """Send exactly ``length`` bytes to a presigned PUT and return the ETag.

        The object is there when this returns, whole; if ``chunks`` ends early or raises, nothing
        is. Raises what ``chunks`` raises; DomainError: TEMPORARILY_UNAVAILABLE, or
        INVALID_PARAMETER_VALUE if the storage refuses such an object.
        """
        work = partial(self._write, url, chunks, length, content_type)
        return await self._tracing.outgoing("PUT storage", _method("PUT"), work)

    async def _write(
        self, url: str, chunks: AsyncIterable[bytes], length: int, content_type: str
    ) -> str:
        headers = {"Content-Length": str(length), "Content-Type": content_type}
        failures: list[Exception] = []
        try:
            async with asyncio.timeout(SILENT_SECONDS) as patience:
                # A generator for an empty body would be sent in chunks, which S3 does not take.
                body = _timed(chunks, patience, failures) if length else b""
                async with self._open().put(
                    URL(url, encoded=True), data=body, headers=headers, timeout=_WRITING
                ) as answer:
                    if answer.status == HTTPStatus.OK:
                        return answer.headers.get("ETag", "")
                    raise await self.refusal(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            if failures:
                raise failures[0] from None
            raise away(error) from error

    @staticmethod
    async def refusal(answer: aiohttp.ClientResponse) -> DomainError:
        """Tell what an error of the storage is to the client: a bad request, or bad luck."""
        found = _CODE.search(await answer.content.read(_ERROR_BYTES))
        code = found[1].decode() if found else ""
        if answer.status == HTTPStatus.BAD_REQUEST and code and code not in _OF_THE_MOMENT:
            return invalid(f"The storage refuses this artifact: {code}.")
        return away(f"{answer.status} {code}")

    def _open(self) -> aiohttp.ClientSession:
        """Return the session, which belongs to the loop that first asks for it."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=self._tls),
                timeout=_READING,
                headers={"Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


def _method(name: str) -> dict[str, str]:
    """Return what a span tells of a request: not where to, for the URL is signed."""
    return {"http.request.method": name}


async def _timed(
    chunks: AsyncIterable[bytes], patience: asyncio.Timeout, failures: list[Exception]
) -> AsyncIterator[bytes]:
    """Pass chunks on; ``patience`` runs out while the storage has one in hand, not while we wait.

    What ``chunks`` raises goes to ``failures``, too: aiohttp turns it into an error of the
    connection that the body was sent on.
    """
    now = asyncio.get_running_loop().time
    try:
        async for chunk in chunks:
            patience.reschedule(now() + SILENT_SECONDS)
            yield chunk
            patience.reschedule(None)
    except Exception as error:
        failures.append(error)
        raise
    patience.reschedule(now() + SILENT_SECONDS)


def away(reason: object) -> DomainError:
    """Log why the storage can't serve, and return the error for the client: 503, come again."""
    _log.warning("storage_away", reason=repr(reason))
    message = "The artifact storage can't serve the request now; try again."
    return DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message)
