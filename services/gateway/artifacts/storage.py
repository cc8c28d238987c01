"""Reads from and writes to presigned URLs of the object storage."""

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
"""The longest time that the storage may take for one step: to take a chunk, to answer, or to send the next chunk."""

_READING = aiohttp.ClientTimeout(
    total=None, sock_connect=_CONNECT_SECONDS, sock_read=SILENT_SECONDS
)
# No ``sock_read``: aiohttp counts it from the start of the request, and sending a large body takes longer.
# ``_timed`` measures the storage's share instead.
_WRITING = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)

PART_BYTES = 8 * 1024**2
"""The part of an upload of unknown length that is held in memory. S3 requires parts of at least 5 MiB."""

_CODE = re.compile(rb"<Code>(\w{1,60})</Code>")
_ERROR_BYTES = 4096
# Errors that S3 answers with 400 although the client has made no mistake.
_OF_THE_MOMENT = {"RequestTimeout", "IncompleteBody", "ExpiredToken", "InvalidToken"}

_log = structlog.get_logger(__name__)


class Storage:
    """A pool of connections to the storage. It knows no credentials and no bucket: the URLs are signed."""

    def __init__(
        self,
        ca_file: Path | None = None,
        tracing: Tracing = OFF,
        *,
        silent_seconds: float = SILENT_SECONDS,
        part_bytes: int = PART_BYTES,
    ) -> None:
        """``ca_file`` has the authority of the storage's certificate, if the system does not know it."""
        self.part_bytes = part_bytes
        self._silent_seconds = silent_seconds
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
        """Yield the storage's answer to GET or HEAD, with its body unread.

        Raises DomainError(TEMPORARILY_UNAVAILABLE) if the storage does not answer.
        """

        async def work() -> aiohttp.ClientResponse:
            return await self._open().request(method, URL(url, encoded=True), headers=headers)

        try:
            answer = await self._tracing.outgoing(f"{method} storage", _method(method), work)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise storage_unavailable(error) from error
        async with answer:
            yield answer

    async def write(
        self, url: str, chunks: AsyncIterable[bytes], length: int, content_type: str
    ) -> str:
        """Send exactly ``length`` bytes to a presigned PUT and return the ETag.

        When this returns, the whole object is stored. If ``chunks`` ends early or raises, nothing is stored.
        Raises the errors of ``chunks``, DomainError(TEMPORARILY_UNAVAILABLE), and
        DomainError(INVALID_PARAMETER_VALUE) if the storage refuses the object.
        """
        work = partial(self._write, url, chunks, length, content_type)
        return await self._tracing.outgoing("PUT storage", _method("PUT"), work)

    async def _write(
        self, url: str, chunks: AsyncIterable[bytes], length: int, content_type: str
    ) -> str:
        headers = {"Content-Length": str(length), "Content-Type": content_type}
        failures: list[Exception] = []
        try:
            async with asyncio.timeout(self._silent_seconds) as deadline:
                # aiohttp would send an empty generator with chunked encoding, which S3 refuses.
                body = self._timed(chunks, deadline, failures) if length else b""
                async with self._open().put(
                    URL(url, encoded=True), data=body, headers=headers, timeout=_WRITING
                ) as answer:
                    if answer.status == HTTPStatus.OK:
                        return answer.headers.get("ETag", "")
                    raise await self.refusal(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            # The error of the client's body is the cause; aiohttp's error only follows from it.
            if failures:
                raise failures[0] from None
            raise storage_unavailable(error) from error

    async def _timed(
        self, chunks: AsyncIterable[bytes], deadline: asyncio.Timeout, failures: list[Exception]
    ) -> AsyncIterator[bytes]:
        """Yield the chunks. ``deadline`` is set while the storage takes a chunk, and not while the client sends one.

        An error of ``chunks`` is also added to ``failures``, because aiohttp turns it into an error of the
        connection to the storage.
        """
        now = asyncio.get_running_loop().time
        try:
            async for chunk in chunks:
                deadline.reschedule(now() + self._silent_seconds)
                yield chunk
                deadline.reschedule(None)
        except Exception as error:
            failures.append(error)
            raise
        deadline.reschedule(now() + self._silent_seconds)

    @staticmethod
    async def refusal(answer: aiohttp.ClientResponse) -> DomainError:
        """Return the client's error for an error of the storage: 400 if the request is bad, otherwise 503."""
        found = _CODE.search(await answer.content.read(_ERROR_BYTES))
        code = found[1].decode() if found else ""
        if answer.status == HTTPStatus.BAD_REQUEST and code and code not in _OF_THE_MOMENT:
            return invalid(f"The storage refuses this artifact: {code}.")
        return storage_unavailable(f"{answer.status} {code}")

    def _open(self) -> aiohttp.ClientSession:
        """Return the session. It is made at the first call, because it belongs to the event loop that runs then."""
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
    """Return the attributes of a request's span. The URL is left out, because its signature is a secret."""
    return {"http.request.method": name}


def storage_unavailable(reason: object) -> DomainError:
    """Log why the storage can't serve the request, and return a 503 for the client."""
    _log.warning("storage_unavailable", reason=repr(reason))
    message = "The artifact storage is temporarily unavailable; retry."
    return DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message)
