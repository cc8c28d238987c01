"""Presigned URLs: for the gateway, which streams, and for clients, who go to the storage themselves."""

import posixpath
from collections.abc import Mapping
from datetime import timedelta

from services.artifacts.handlers.context import StorageContext
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

FOR_GATEWAY = timedelta(minutes=5)
"""A URL must begin to be used within this time; a transfer that has begun may last longer."""

FOR_DOWNLOADS = timedelta(seconds=300)
"""``MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS``; clients ask again when it has passed."""

LONGEST_SECONDS = 7 * 24 * 3600
"""S3's limit."""


async def presign_artifact(query: PresignArtifact, context: StorageContext) -> PresignArtifactReply:
    """Sign for the address that the gateway reaches the storage by."""
    key = file_key(query.path, context.project)
    part = {}
    if query.upload_id is not None:
        part = {"uploadId": query.upload_id, "partNumber": str(query.part_number)}
    signature = Signature(query.method, key, FOR_GATEWAY, query=part)
    return PresignArtifactReply(url=context.store.presign(signature))


async def get_presigned_download_url(
    query: GetPresignedDownloadUrl, context: StorageContext
) -> GetPresignedDownloadUrlReply:
    """Let a client read an object in ranges of its own, side by side."""
    key = file_key(query.artifact_path, context.project)
    url = _download_url(key, FOR_DOWNLOADS, context)
    return GetPresignedDownloadUrlReply(
        url=url, headers={}, file_size=await context.store.size(key)
    )


async def create_presigned_download_url(
    query: CreatePresignedDownloadUrl, context: StorageContext
) -> CreatePresignedDownloadUrlReply:
    """Let a client read an artifact of a run."""
    key = _key(query.path, query.artifact_uri, context)
    url = _download_url(key, _lifetime(query.expiration), context)
    return CreatePresignedDownloadUrlReply(
        presigned_url=url, headers={}, file_size=await context.store.size(key)
    )


async def create_presigned_upload_url(
    query: CreatePresignedUploadUrl, context: StorageContext
) -> CreatePresignedUploadUrlReply:
    """Let a client write an artifact of a run, whole, with one PUT."""
    key = _key(query.path, query.artifact_uri, context)
    signature = Signature("PUT", key, _lifetime(query.expiration), public=True)
    return CreatePresignedUploadUrlReply(
        presigned_url=context.store.presign(signature),
        headers={"Content-Type": content_type(key)},
    )


def _key(path: str, artifact_uri: str, context: StorageContext) -> str:
    return file_key(f"{proxied_root(artifact_uri)}/{path}", context.project)


def _download_url(key: str, lifetime: timedelta, context: StorageContext) -> str:
    """Sign a GET whose answer a browser saves under the artifact's name, and never renders."""
    query = {"response-content-disposition": attachment(posixpath.basename(key))}
    return context.store.presign(Signature("GET", key, lifetime, public=True, query=query))


def _lifetime(seconds: int) -> timedelta:
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise invalid(
            f"expiration must be between 1 and {LONGEST_SECONDS} seconds (got {seconds})."
        )
    return timedelta(seconds=seconds)


HANDLERS: Mapping[type[Message], Handler[StorageContext]] = {
    PresignArtifact: presign_artifact,
    GetPresignedDownloadUrl: get_presigned_download_url,
    CreatePresignedDownloadUrl: create_presigned_download_url,
    CreatePresignedUploadUrl: create_presigned_upload_url,
}
