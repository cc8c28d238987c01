"""Presigned URLs: for the gateway, which streams artifacts, and for clients, which access the storage directly."""

import posixpath
from collections.abc import Mapping
from datetime import timedelta

from services.artifacts.handlers.context import StorageContext
from services.artifacts.handlers.finding import find_file
from services.artifacts.store.objects import Signature
from shared.contracts.artifacts import (
    CreatePresignedDownloadUrl,
    CreatePresignedDownloadUrlReply,
    CreatePresignedUploadUrl,
    CreatePresignedUploadUrlReply,
    GetPresignedDownloadUrl,
    GetPresignedDownloadUrlReply,
    PresignArtifact,
    PresignArtifactReply,
)
from shared.contracts.errors import invalid
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.mlflow.artifact_paths import file_key, proxied_root
from shared.mlflow.content_types import attachment, content_type
from shared.mlflow.reserved_names import unescaped

FOR_GATEWAY = timedelta(minutes=5)
"""Time in which a transfer must begin. A transfer that has begun may last longer."""

FOR_DOWNLOADS = timedelta(seconds=300)
"""MLflow's ``MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS``. Clients ask again after this time."""

FOR_UPLOADS = timedelta(seconds=900)
"""Default of ``create_presigned_upload_url`` in ``mlflow/store/artifact/artifact_repo.py``."""


async def presign_artifact(query: PresignArtifact, context: StorageContext) -> PresignArtifactReply:
    """Return a URL with the address by which the gateway reaches the storage."""
    writes = query.method == "PUT"
    key = file_key(query.path, context.project) if writes else await find_file(query.path, context)
    part = {}
    if query.upload_id is not None:
        part = {"uploadId": query.upload_id, "partNumber": str(query.part_number)}
    signature = Signature(query.method, key, FOR_GATEWAY, query=part)
    name = _name(key)
    return PresignArtifactReply(url=context.store.presign(signature), name=name)


async def get_presigned_download_url(
    query: GetPresignedDownloadUrl, context: StorageContext
) -> GetPresignedDownloadUrlReply:
    """Return a URL with which a client reads ranges of an object in parallel."""
    key = await find_file(query.artifact_path, context)
    url = _download_url(key, _lifetime(None, FOR_DOWNLOADS, context), context)
    return GetPresignedDownloadUrlReply(
        url=url, headers={}, file_size=await context.store.size(key)
    )


async def create_presigned_download_url(
    query: CreatePresignedDownloadUrl, context: StorageContext
) -> CreatePresignedDownloadUrlReply:
    """Return a URL with which a client reads an artifact of a run."""
    key = await find_file(_below(query.artifact_uri, query.path), context)
    url = _download_url(key, _lifetime(query.expiration, FOR_DOWNLOADS, context), context)
    return CreatePresignedDownloadUrlReply(
        presigned_url=url, headers={}, file_size=await context.store.size(key)
    )


async def create_presigned_upload_url(
    query: CreatePresignedUploadUrl, context: StorageContext
) -> CreatePresignedUploadUrlReply:
    """Return a URL with which a client writes an artifact of a run or a logged model, in one PUT."""
    key = file_key(_below(query.artifact_uri, query.path), context.project)
    lifetime = _lifetime(query.expiration, FOR_UPLOADS, context)
    signature = Signature("PUT", key, lifetime, public=True)
    return CreatePresignedUploadUrlReply(
        presigned_url=context.store.presign(signature),
        headers={"Content-Type": content_type(key)},
    )


def _below(artifact_uri: str, path: str) -> str:
    return f"{proxied_root(artifact_uri)}/{path}"


def _name(key: str) -> str:
    return unescaped(posixpath.basename(key))


def _download_url(key: str, lifetime: timedelta, context: StorageContext) -> str:
    """Return a signed GET. Its answer makes a browser save the artifact under its name and not display it."""
    query = {"response-content-disposition": attachment(_name(key))}
    return context.store.presign(Signature("GET", key, lifetime, public=True, query=query))


def _lifetime(seconds: int | None, default: timedelta, context: StorageContext) -> timedelta:
    """Return a URL's lifetime. Raises DomainError if it is above the operator's limit.

    A URL stays valid after its holder has lost the permission, so its lifetime is limited to some minutes.
    """
    longest = context.lifetimes.whole
    if seconds is None:
        return min(default, longest)
    if not 1 <= seconds <= longest.total_seconds():
        limit = int(longest.total_seconds())
        raise invalid(f"expiration must be between 1 and {limit} seconds (got {seconds}).")
    return timedelta(seconds=seconds)


HANDLERS: Mapping[type[Message], Handler[StorageContext]] = {
    PresignArtifact: presign_artifact,
    GetPresignedDownloadUrl: get_presigned_download_url,
    CreatePresignedDownloadUrl: create_presigned_download_url,
    CreatePresignedUploadUrl: create_presigned_upload_url,
}
