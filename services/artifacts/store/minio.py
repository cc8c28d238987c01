"""``ObjectStore`` with the minio SDK.

The SDK is synchronous, so its calls run in a thread pool. Only presigning runs on the event loop: it needs no I/O,
because the region is configured. The SDK has no public method for multipart uploads and for single pages of a
listing. The private methods used here are the only dependency on the SDK's version;
tests/integration/artifacts/test_minio_store.py covers them.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.datatypes import Part as MinioPart
from minio.datatypes import parse_list_objects
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error, ServerError
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule

from services.artifacts.settings import S3Settings
from services.artifacts.store.errors import translated
from services.artifacts.store.objects import Entry, Page, Part, Signature, Sweep
from services.artifacts.store.signatures import sign_parts
from shared.mlflow.artifact_paths import is_within
from shared.tracing.hooks import OFF, Tracing

T = TypeVar("T")

PAGE_ENTRIES = 1000
"""S3's limit for a page of a listing, and for the keys of one delete call."""

ABANDONED_DAYS = 7
"""Days after which an incomplete upload is removed, in buckets that Warren created."""

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0


class MinioStore:
    """One bucket of an S3 server. ``page_entries``: entries of a page, and keys of one delete call."""

    def __init__(
        self, settings: S3Settings, tracing: Tracing = OFF, page_entries: int = PAGE_ENTRIES
    ) -> None:
        self._tracing = tracing
        self._page_entries = page_entries
        self._bucket = settings.bucket
        self._secret_key = settings.secret_key
        self._client = connect(settings, settings.endpoint)
        # A signature covers the URL's host, so URLs for clients are signed for the public address.
        self._public = connect(settings, settings.public_endpoint or settings.endpoint)
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="s3")

    def close(self) -> None:
        """Release the threads without waiting. Calls in progress end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def ensure_bucket(self) -> None:
        """Create the bucket if it does not exist. Raises StorageUnavailableError.

        Only a bucket created here gets the rule for abandoned uploads. An existing bucket keeps its owner's rules.
        """
        await self._run(self._ensure_bucket)

    async def has_bucket(self) -> bool:
        """Return whether the bucket exists. Raises StorageUnavailableError."""
        return await self._run(self._client.bucket_exists, self._bucket)

    def presign(self, signature: Signature) -> str:
        """Return a signed URL, without I/O."""
        client = self._public if signature.public else self._client
        return client.get_presigned_url(
            signature.method,
            self._bucket,
            signature.key,
            expires=signature.expires,
            extra_query_params=dict(signature.query),
        )

    def presign_parts(self, key: str, upload_id: str, number: int, expires: timedelta) -> list[str]:
        """Return URLs for clients, one for each part of an upload, without I/O."""
        query = {"uploadId": upload_id, "partNumber": "1"}
        first = self.presign(Signature("PUT", key, expires, public=True, query=query))
        return list(sign_parts(first, self._secret_key, range(1, number + 1)))

    async def size(self, key: str) -> int:
        """Return an object's size in bytes. Raises NoSuchObjectError."""
        return (await self._run(self._client.stat_object, self._bucket, key)).size or 0

    async def etag(self, key: str) -> str:
        """Return an object's ETag without quotes. Raises NoSuchObjectError."""
        return (await self._run(self._client.stat_object, self._bucket, key)).etag or ""

    async def page(self, directory: str, token: str = "") -> Page:
        """Return a page of a directory's direct entries. Raises BadRequestError for an invalid token."""
        return await self._run(self._page, f"{directory}/", "/", token)

    async def directories(self) -> Sequence[str]:
        """Return the directories at the top of the bucket."""
        return await self._run(self._directories)

    async def keys(self, directory: str, after: str) -> Sequence[str]:
        """Return a page of the keys below a directory, in order, that are greater than ``after``."""
        return await self._run(self._keys, f"{directory}/", after)

    async def sweep(
        self, directory: str, before: datetime, *, kept: Collection[str], dry_run: bool
    ) -> Sweep:
        """Delete the objects below a directory that are older than ``before``, except in ``kept`` directories.

        A dry run only counts.
        """
        return await self._run(self._sweep, f"{directory}/", before, kept, dry_run)

    async def delete(self, key: str, kept: Collection[str] = ()) -> None:
        """Delete the object with a key and the directory of the same name, if they exist.

        Objects in a ``kept`` directory remain.
        """
        await self._run(self._delete, key, kept)

    async def begin_upload(self, key: str) -> str:
        """Begin a multipart upload and return its id."""
        return await self._run(self._client._create_multipart_upload, self._bucket, key, {})

    async def parts(self, key: str, upload_id: str) -> Sequence[Part]:
        """Return the parts that an upload has received. Raises NoSuchUploadError."""
        return await self._run(self._parts, key, upload_id)

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Join the parts into the object. Raises NoSuchUploadError, BadRequestError."""
        listed = [MinioPart(part.number, part.etag) for part in parts]
        complete = self._client._complete_multipart_upload
        await self._run(complete, self._bucket, key, upload_id, listed)

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Discard an upload. Raises NoSuchUploadError."""
        await self._run(self._client._abort_multipart_upload, self._bucket, key, upload_id)

    async def _run(self, call: Callable[..., T], *arguments: object) -> T:
        """Call the SDK in a thread, and translate its errors to the service's exceptions."""
        name = f"s3 {call.__name__.lstrip('_')}"
        about = {"aws.s3.bucket": self._bucket}
        loop = asyncio.get_running_loop()

        async def wait() -> T:
            return await loop.run_in_executor(self._threads, lambda: call(*arguments))

        try:
            return await self._tracing.outgoing(name, about, wait)
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise translated(error) from error

    def _ensure_bucket(self) -> None:
        if self._client.bucket_exists(self._bucket):
            return
        try:
            self._client.make_bucket(self._bucket)
        except S3Error as error:
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise
            return  # Another process has created it meanwhile.
        abandoned = AbortIncompleteMultipartUpload(days_after_initiation=ABANDONED_DAYS)
        rule = Rule(
            ENABLED,
            rule_filter=Filter(prefix=""),
            rule_id="abandoned-uploads",
            abort_incomplete_multipart_upload=abandoned,
        )
        self._client.set_bucket_lifecycle(self._bucket, LifecycleConfig([rule]))

    def _page(self, prefix: str, delimiter: str, token: str) -> Page:
        query: dict[str, str | list[str] | tuple[str]] = {
            "list-type": "2",
            "prefix": prefix,
            "delimiter": delimiter,
            "max-keys": str(self._page_entries),
            "encoding-type": "url",
        }
        if token:
            query["continuation-token"] = token
        answer = self._client._execute("GET", self._bucket, query_params=query)
        objects, truncated, next_token, _ = parse_list_objects(answer)
        entries = [
            Entry(name.removesuffix("/"), None if name.endswith("/") else each.size)
            for each in objects
            # Some tools mark a directory with an object of its own name. That is no entry.
            if (name := (each.object_name or "").removeprefix(prefix))
        ]
        entries.sort(key=lambda entry: entry.name)
        return Page(entries, (next_token or "") if truncated else "")

    def _delete(self, key: str, kept: Collection[str]) -> None:
        """Delete what is below the key, page by page, then the directories, then the key itself.

        SeaweedFS has real directories and keeps empty ones for some minutes; deleting their names removes them at
        once. It refuses to delete a directory that is not empty. On other servers these deletions find nothing.
        """
        prefix, directories, token = f"{key}/", {f"{key}/"}, ""
        while True:
            page = self._page(prefix, "", token)
            files = (prefix + entry.name for entry in page.entries if entry.size is not None)
            names = [name for name in files if not _is_kept(name, kept)]
            self._delete_all(names)
            directories.update(_directories_of(names, prefix))
            token = page.next_token
            if not token:
                break
        self._delete_all(sorted(directories, key=len, reverse=True))
        if not _is_kept(key, kept):
            self._client.remove_object(self._bucket, key)

    def _directories(self) -> list[str]:
        listed = self._client.list_objects(self._bucket)
        return [name.removesuffix("/") for each in listed if (name := each.object_name or "")]

    def _keys(self, prefix: str, after: str) -> list[str]:
        listed = self._client.list_objects(
            self._bucket, prefix=prefix, recursive=True, start_after=after or None
        )
        return [each.object_name or "" for each in islice(listed, self._page_entries)]

    def _sweep(
        self, prefix: str, before: datetime, kept: Collection[str], dry_run: object
    ) -> Sweep:
        listed = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
        old = [
            each
            for each in listed
            if each.last_modified
            and each.last_modified < before
            and not _is_kept(each.object_name or "", kept)
        ]
        if not dry_run:
            self._delete_all([each.object_name or "" for each in old])
        return Sweep(len(old), sum(each.size or 0 for each in old))

    def _delete_all(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), self._page_entries):
            batch = [DeleteObject(key) for key in keys[start : start + self._page_entries]]
            for error in self._client.remove_objects(self._bucket, batch):
                # SeaweedFS refuses to delete a directory that is not empty. That is no failure.
                if not (error.name or "").endswith("/"):
                    raise ServerError(f"{error.name} was not deleted: {error.code}", 500)

    def _parts(self, key: str, upload_id: str) -> list[Part]:
        parts: list[Part] = []
        marker: str | None = None
        while True:
            answer = self._client._list_parts(
                self._bucket, key, upload_id, part_number_marker=marker
            )
            parts += [Part(each.part_number, each.etag, each.size or 0) for each in answer.parts]
            if not answer.is_truncated:
                return parts
            marker = str(answer.next_part_number_marker)


def _is_kept(key: str, kept: Collection[str]) -> bool:
    return any(is_within(key, directory) for directory in kept)


def _directories_of(keys: Sequence[str], prefix: str) -> set[str]:
    """Return the directories between prefix and keys, each with a slash at the end."""
    found: set[str] = set()
    for key in keys:
        directory = key.rpartition("/")[0]
        while len(directory) >= len(prefix):
            found.add(f"{directory}/")
            directory = directory.rpartition("/")[0]
    return found


def connect(settings: S3Settings, endpoint: str) -> Minio:
    """Return a client of the S3 server."""
    scheme, _, host = endpoint.rstrip("/").partition("://")
    return Minio(
        host,
        settings.access_key,
        settings.secret_key,
        secure=scheme == "https",
        region=settings.region,
        http_client=connections(settings),
    )


def connections(settings: S3Settings) -> urllib3.PoolManager:
    """Return connections with short timeouts and one retry: callers wait for the answer and may repeat the request."""
    return urllib3.PoolManager(
        maxsize=settings.threads,
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(settings.ca_file) if settings.ca_file else None,
        timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        retries=urllib3.Retry(total=1, backoff_factor=0.1, redirect=False),
    )
