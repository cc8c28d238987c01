"""The protocol between the service's rules and an S3 server."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

Method = Literal["GET", "HEAD", "PUT"]


class StorageUnavailableError(Exception):
    """The storage can't be reached or can't serve the request now. The same request may succeed later."""


class NoSuchObjectError(Exception):
    """No object has this key."""


class NoSuchUploadError(Exception):
    """No multipart upload has this id and key: it is unknown, completed or aborted."""


class BadRequestError(Exception):
    """The storage refuses the client's request. The message is for the client."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object, or a directory if ``size`` is None. Sizes are in bytes."""

    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a directory's entries; ``next_token`` is empty on the last page."""

    entries: Sequence[Entry]
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The number of objects that were deleted (in a dry run: would be deleted), and their bytes."""

    objects: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart upload. ``size`` is in bytes; it is 0 if unknown."""

    number: int
    etag: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """A request for a signed URL.

    ``public`` signs for the address by which clients reach the storage. ``query`` becomes part of the URL and of the
    signature.
    """

    method: Method
    key: str
    expires: timedelta
    public: bool = False
    query: Mapping[str, str] = field(default_factory=dict)


class ObjectStore(Protocol):
    """One bucket. Every method except the presigning ones raises StorageUnavailableError."""

    async def has_bucket(self) -> bool:
        """Return whether the bucket exists."""

    def presign(self, signature: Signature) -> str:
        """Return a signed URL, without I/O."""

    def presign_parts(self, key: str, upload_id: str, number: int, expires: timedelta) -> list[str]:
        """Return URLs for clients, one for each part of an upload, without I/O."""

    async def size(self, key: str) -> int:
        """Return an object's size in bytes. Raises NoSuchObjectError."""

    async def etag(self, key: str) -> str:
        """Return an object's ETag without quotes. Raises NoSuchObjectError."""

    async def page(self, directory: str, token: str = "") -> Page:
        """Return a page of a directory's direct entries. Raises BadRequestError for an invalid token."""

    async def directories(self) -> Sequence[str]:
        """Return the directories at the top of the bucket."""

    async def keys(self, directory: str, after: str) -> Sequence[str]:
        """Return some keys below a directory, in order, that are greater than ``after``."""

    async def sweep(
        self, directory: str, before: datetime, *, kept: Collection[str], dry_run: bool
    ) -> Sweep:
        """Delete the objects below a directory that are older than ``before``, except in ``kept`` directories.

        A dry run only counts.
        """

    async def delete(self, key: str, kept: Collection[str] = ()) -> None:
        """Delete the object with a key and the directory of the same name, if they exist.

        Objects in a ``kept`` directory remain.
        """

    async def begin_upload(self, key: str) -> str:
        """Begin a multipart upload and return its id."""

    async def parts(self, key: str, upload_id: str) -> Sequence[Part]:
        """Return the parts that an upload has received. Raises NoSuchUploadError."""

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Join the parts into the object. Raises NoSuchUploadError, BadRequestError."""

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Discard an upload. Raises NoSuchUploadError."""
