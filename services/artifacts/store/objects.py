"""What the service needs of object storage: the seam between our rules and an S3 server."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

Method = Literal["GET", "HEAD", "PUT"]


class StorageAwayError(Exception):
    """The storage can't be reached or can't serve now; the same request may succeed later."""


class NoSuchObjectError(Exception):
    """There is no object of this key."""


class NoSuchUploadError(Exception):
    """There is no multipart upload of this id and key: unknown, completed or aborted."""


class BadRequestError(Exception):
    """The storage refuses what the client asked for; the message is for the client."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object, or with ``size`` None a directory; sizes are in bytes."""

    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of a directory, and the token of the next page, if there is one."""

    entries: Sequence[Entry]
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """How many objects were deleted, or would be, and their bytes."""

    objects: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart upload; ``size`` in bytes, where the storage has told it."""

    number: int
    etag: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """What a URL is to be signed for.

    ``public`` signs for the address that clients know the storage by. ``query`` becomes part of
    the URL and of the signature.
    """

    method: Method
    key: str
    expires: timedelta
    public: bool = False
    query: Mapping[str, str] = field(default_factory=dict)


class ObjectStore(Protocol):
    """One bucket. Everything but what presigns raises StorageAwayError."""

    async def has_bucket(self) -> bool:
        """Tell whether the bucket is there."""

    def presign(self, signature: Signature) -> str:
        """Return a signed URL; without I/O."""

    def presign_parts(self, key: str, upload_id: str, number: int, expires: timedelta) -> list[str]:
        """Return the URLs of the parts of an upload, for clients; without I/O."""

    async def size(self, key: str) -> int:
        """Return an object's size in bytes. Raises NoSuchObjectError."""

    async def etag(self, key: str) -> str:
        """Return an object's ETag without quotes. Raises NoSuchObjectError."""

    async def page(self, directory: str, token: str = "") -> Page:
        """List a directory, one level. Raises BadRequestError for a token that isn't one."""

    async def directories(self) -> Sequence[str]:
        """List the directories at the top of the bucket."""

    async def keys(self, directory: str, after: str) -> Sequence[str]:
        """List some keys below a directory, in order, from the first one that is greater than ``after``."""

    async def sweep(
        self, directory: str, before: datetime, *, kept: Collection[str], dry_run: bool
    ) -> Sweep:
        """Delete what is below a directory, but not in one that is kept, and was stored before a time.

        A dry run only counts.
        """

    async def delete(self, key: str, kept: Collection[str] = ()) -> None:
        """Delete the object of a key and the directory of the same name, if they are there.

        What is in a directory that is kept stays.
        """

    async def begin_upload(self, key: str) -> str:
        """Begin a multipart upload and return its id."""

    async def parts(self, key: str, upload_id: str) -> Sequence[Part]:
        """List what an upload has received. Raises NoSuchUploadError."""

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make the object of its parts. Raises NoSuchUploadError, BadRequestError."""

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Forget an upload. Raises NoSuchUploadError."""
