"""Multipart uploads. Clients and the gateway send the parts directly to the storage."""

import contextlib
import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import PureWindowsPath

from services.artifacts.handlers.context import StorageContext
from services.artifacts.store.objects import (
    NoSuchObjectError,
    NoSuchUploadError,
    Part,
)
from shared.contracts.artifacts import (
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CreateMultipartUpload,
    CreateMultipartUploadReply,
    MultipartUploadCredential,
)
from shared.contracts.errors import invalid, missing_resource
from shared.contracts.experiments import Empty
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.mlflow.artifact_paths import file_key, join


async def create_multipart_upload(
    cmd: CreateMultipartUpload, context: StorageContext
) -> CreateMultipartUploadReply:
    """Begin an upload and sign a URL for each part.

    A repeated command begins a second upload. Its id is never used and it gets no parts; the bucket's rule for
    abandoned uploads removes it.
    """
    key = _key(cmd.artifact_path, cmd.path, context)
    upload_id = await context.store.begin_upload(key)
    # A longer lifetime is safe here: a part becomes an artifact only when a client with write
    # permission completes the upload.
    lifetime = context.lifetimes.parts
    urls = context.store.presign_parts(key, upload_id, cmd.num_parts, lifetime)
    credentials = [
        MultipartUploadCredential(url=url, part_number=number, headers={})
        for number, url in enumerate(urls, start=1)
    ]
    return CreateMultipartUploadReply(upload_id=upload_id, credentials=credentials)


async def complete_multipart_upload(cmd: CompleteMultipartUpload, context: StorageContext) -> Empty:
    """Join the parts into one object, unless their sum exceeds the largest file size."""
    key = _key(cmd.artifact_path, cmd.path, context)
    parts = [Part(part.part_number, part.etag.strip('"')) for part in cmd.parts]
    try:
        await _check_size(key, cmd.upload_id, parts, context)
        await context.store.complete_upload(key, cmd.upload_id, parts)
    except NoSuchUploadError:
        if not await _is_complete(key, parts, context):
            raise missing_resource(f"No such multipart upload: '{cmd.upload_id}'") from None
    return Empty()


async def abort_multipart_upload(cmd: AbortMultipartUpload, context: StorageContext) -> Empty:
    """Discard the parts of an upload. It succeeds if the upload no longer exists."""
    key = _key(cmd.artifact_path, cmd.path, context)
    with contextlib.suppress(NoSuchUploadError):
        await context.store.abort_upload(key, cmd.upload_id)
    return Empty()


def _key(directory: str, local_path: str, context: StorageContext) -> str:
    """Return the key of a client's local file in a directory (``os.path.basename``, as in MLflow).

    Clients send the whole local path. A Windows path has backslashes.
    """
    windows = PureWindowsPath(local_path)
    name = windows.name if windows.is_absolute() else posixpath.basename(local_path)
    if "\\" in name:
        message = f"Invalid path: '{local_path}' is neither absolute nor without backslashes."
        raise invalid(message)
    return file_key(join(directory.removesuffix("/"), name or "/"), context.project)


async def _check_size(
    key: str, upload_id: str, parts: Sequence[Part], context: StorageContext
) -> None:
    """Refuse and discard an upload that is too large. Parts bypass the service, so it learns sizes only here."""
    wanted = {part.number for part in parts}
    stored = await context.store.parts(key, upload_id)
    size = sum(part.size for part in stored if part.number in wanted)
    if size > context.max_artifact_bytes:
        await context.store.abort_upload(key, upload_id)
        limit = context.max_artifact_bytes
        raise invalid(f"Artifacts must be at most {limit} bytes, got a file of size {size}.")


async def _is_complete(key: str, parts: Sequence[Part], context: StorageContext) -> bool:
    """Return whether the object of these parts exists, which means that this command has succeeded before.

    The first answer may have been lost. S3's ETag of such an object is the MD5 of the parts' MD5s, with their
    number.
    """
    try:
        together = b"".join(bytes.fromhex(part.etag) for part in parts)
        expected = f"{hashlib.md5(together, usedforsecurity=False).hexdigest()}-{len(parts)}"
        return await context.store.etag(key) == expected
    except (ValueError, NoSuchObjectError):
        return False


HANDLERS: Mapping[type[Message], Handler[StorageContext]] = {
    CreateMultipartUpload: create_multipart_upload,
    CompleteMultipartUpload: complete_multipart_upload,
    AbortMultipartUpload: abort_multipart_upload,
}
