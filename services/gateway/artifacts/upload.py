"""Streams artifacts from the client to the storage, as fast as the storage takes them."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp.web import BaseRequest

from services.gateway.artifacts.body import Body
from services.gateway.artifacts.storage import Storage
from services.gateway.http.requests import say_continue
from services.gateway.service_client import ServiceClient
from shared.contracts import limits
from shared.contracts.artifacts import (
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CreateMultipartUpload,
    CreateMultipartUploadReply,
    MultipartUploadPart,
    PresignArtifact,
    PresignArtifactReply,
)
from shared.contracts.errors import DomainError, invalid
from shared.mlflow.content_types import content_type

WHOLE_BYTES = 5 * 1024**3
"""S3's limit of one PUT, in bytes."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The upload of one artifact. ``limit`` is its largest size in bytes.

    ``no_data`` is the error message for an empty artifact. If it is empty, empty artifacts are allowed.
    """

    request: BaseRequest
    path: str
    services: ServiceClient
    storage: Storage
    limit: int
    no_data: str = ""

    async def receive(self, body: Body) -> None:
        """Store the body under the path, completely or not at all. An existing artifact is replaced.

        Raises DomainError, or the error that ended the client's connection.
        """
        if body.length is not None and body.length <= WHOLE_BYTES:
            url = await self._presign()
            await say_continue(self.request)
            await self._write(url, body.chunks(), body.length)
        else:
            await self._receive_parts(_Parts(body.chunks(), self._part_bytes()))

    def _part_bytes(self) -> int:
        # Rounded up, so that the largest artifact fits into S3's largest number of parts.
        return max(self.storage.part_bytes, -(-self.limit // limits.PARTS))

    async def _receive_parts(self, parts: "_Parts") -> None:
        """Store a body of unknown length. A multipart upload begins only if there is more than one part."""
        # The URL comes before the body, so that a client with a bad path need not send the body.
        url = await self._presign()
        await say_continue(self.request)
        await parts.read()
        if self.no_data and not parts.size:
            raise invalid(self.no_data)
        if parts.ended:
            await self._write(url, parts.chunks(), parts.size)
            return
        directory, _, name = self.path.rpartition("/")
        begin = CreateMultipartUpload(artifact_path=directory, path=name)
        begun = CreateMultipartUploadReply.model_validate_json(await self.services.send(begin))
        named = {"artifact_path": directory, "path": name, "upload_id": begun.upload_id}
        try:
            done = await self._send_parts(parts, begun.upload_id)
            await self.services.send(CompleteMultipartUpload(**named, parts=done))
        except BaseException:
            # If the abort fails, the bucket's rule for abandoned uploads removes the parts later.
            with suppress(DomainError):
                await self.services.send(AbortMultipartUpload(**named))
            raise

    async def _send_parts(self, parts: "_Parts", upload_id: str) -> list[MultipartUploadPart]:
        done: list[MultipartUploadPart] = []
        while parts.size:
            number = len(done) + 1
            url = await self._presign(upload_id=upload_id, part_number=number)
            etag = await self._write(url, parts.chunks(), parts.size)
            done.append(MultipartUploadPart(part_number=number, etag=etag))
            await parts.read()
        return done

    async def _presign(self, **part: str | int) -> str:
        query = PresignArtifact.model_validate({"method": "PUT", "path": self.path, **part})
        return PresignArtifactReply.model_validate_json(await self.services.send(query)).url

    async def _write(self, url: str, chunks: AsyncIterator[bytes], length: int) -> str:
        return await self.storage.write(url, chunks, length, content_type(self.path))


@dataclass(slots=True)
class _Parts:
    """Cuts a stream into parts of ``part_bytes``, and holds one part in memory."""

    source: AsyncIterator[bytes]
    part_bytes: int
    size: int = 0
    ended: bool = False
    _held: deque[bytes] = field(default_factory=deque)
    _rest: bytes = b""

    async def read(self) -> None:
        """Replace the held part by the next one. A size of 0 means that the stream has ended."""
        self._held.clear()
        self.size = 0
        self._hold(self._rest)
        while self.size < self.part_bytes and not self.ended:
            chunk = await anext(self.source, None)
            if chunk is None:
                self.ended = True
            else:
                self._hold(chunk)

    def _hold(self, chunk: bytes) -> None:
        wanted = self.part_bytes - self.size
        taken, self._rest = chunk[:wanted], chunk[wanted:]
        if taken:
            self._held.append(taken)
            self.size += len(taken)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the held part piece by piece, and release each piece from memory."""
        while self._held:
            yield self._held.popleft()
