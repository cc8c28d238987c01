"""Artifacts: MLflow's artifact proxy, ``artifacts/*`` and presigned URLs.

A path is relative to ``artifact_uri``, the root of a run, if that is given, and else to the root of all artifacts.
The gateway sets ``artifact_uri`` from the run; it overwrites a client's value.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Command,
    Int64,
    PageToken,
    Query,
    Required,
    RunId,
    Wire,
    Word,
)

UploadId = Annotated[
    str, Field(max_length=1024, pattern=r"^\.*[A-Za-z0-9_~+=-][A-Za-z0-9._~+=-]*$")
]
"""The form of an S3 server's upload ids. SeaweedFS keeps an upload's parts in a directory of this name, so ``..`` is
no upload id."""


class FileInfo(Wire):
    """One entry of a listing; ``file_size`` is in bytes and absent for directories."""

    path: str
    is_dir: bool
    file_size: int | None = None


class PresignArtifact(Query):
    """Return a URL with which the gateway reads or writes one object, or one part of it."""

    service: ClassVar[str] = "artifacts"
    method: Literal["GET", "HEAD", "PUT"]
    path: Word
    upload_id: UploadId | None = None
    part_number: Annotated[Int64, Field(ge=1, le=limits.PARTS)] = 1


class PresignArtifactReply(Wire):
    """``url`` serves one request that begins soon; ``name`` is the last part of the artifact's path."""

    url: str
    name: str


class ListProxiedArtifacts(Query):
    """``GET mlflow-artifacts/artifacts``: list all entries of one directory, with paths relative to it."""

    service: ClassVar[str] = "artifacts"
    path: Word = ""


class ListProxiedArtifactsReply(Wire):
    """The entries. A file, or a directory that does not exist, has none."""

    files: list[FileInfo]


class ListArtifacts(Query):
    """``artifacts/list``: return a page of one directory of a run, with paths relative to the run's root."""

    service: ClassVar[str] = "artifacts"
    run_id: RunId
    path: Word = ""
    page_token: PageToken = ""
    artifact_uri: SkipJsonSchema[Word] = ""


class ListLoggedModelArtifacts(Query):
    """Return a page of one directory of a logged model, with paths relative to the model's root."""

    service: ClassVar[str] = "artifacts"
    model_id: Required
    artifact_directory_path: Word = ""
    page_token: PageToken = ""
    artifact_uri: Word = ""


class ListArtifactsReply(Wire):
    """A page of entries; no ``next_page_token`` on the last page."""

    root_uri: str
    files: list[FileInfo]
    next_page_token: str | None = None


class DeleteArtifact(Command):
    """Delete a file, or a directory with its content. It succeeds if there is nothing to delete."""

    service: ClassVar[str] = "artifacts"
    path: Word


class CreateMultipartUpload(Command):
    """Begin a multipart upload of the file ``path`` to the directory ``artifact_path``."""

    service: ClassVar[str] = "artifacts"
    artifact_path: Word
    path: Required
    num_parts: Annotated[Int64, Field(ge=1, le=limits.PARTS)] = 1


class MultipartUploadCredential(Wire):
    """The URL and the headers for the PUT of one part."""

    url: str
    part_number: int
    headers: dict[str, str]


class CreateMultipartUploadReply(Wire):
    """The upload and a URL for each of its parts."""

    upload_id: str
    credentials: list[MultipartUploadCredential]


class MultipartUploadPart(Wire):
    """An uploaded part; ``etag`` is the storage's answer to the PUT."""

    part_number: Annotated[Int64, Field(ge=1, le=limits.PARTS)]
    etag: Required
    url: Word | None = None


class CompleteMultipartUpload(Command):
    """Join the parts into one object. Repeating this is harmless."""

    service: ClassVar[str] = "artifacts"
    artifact_path: Word
    path: Required
    upload_id: UploadId
    parts: Annotated[list[MultipartUploadPart], Field(min_length=1), AtMost(limits.PARTS)]


class AbortMultipartUpload(Command):
    """Discard the uploaded parts. Repeating this is harmless."""

    service: ClassVar[str] = "artifacts"
    artifact_path: Word
    path: Required
    upload_id: UploadId


class GetPresignedDownloadUrl(Query):
    """``GET mlflow-artifacts/presigned/<path>``: return a URL that reads one object directly from the storage."""

    service: ClassVar[str] = "artifacts"
    artifact_path: Word


class GetPresignedDownloadUrlReply(Wire):
    """``file_size`` is in bytes. The client must send ``headers`` with its request."""

    url: str
    headers: dict[str, str]
    file_size: int


class CreatePresignedDownloadUrl(Query):
    """``artifacts/presigned-download-url``: return a URL that reads an artifact; ``expiration`` is in seconds."""

    service: ClassVar[str] = "artifacts"
    run_id: RunId
    path: Required
    expiration: Int64 | None = None
    artifact_uri: SkipJsonSchema[Word] = ""


class CreatePresignedUploadUrl(Query):
    """``artifacts/presigned-upload-url``: return a URL that writes an artifact of a run or a logged model.

    ``expiration`` is in seconds. Issuing the URL writes nothing, but ``changes`` is true because its holder may
    write.
    """

    service: ClassVar[str] = "artifacts"
    changes: ClassVar[bool] = True
    run_id: Word = ""
    model_id: Word = ""
    path: Required
    expiration: Int64 | None = None
    artifact_uri: SkipJsonSchema[Word] = ""


class CreatePresignedUploadUrlReply(Wire):
    """The client must send ``headers`` with its PUT."""

    presigned_url: str
    headers: dict[str, str]


class CreatePresignedDownloadUrlReply(CreatePresignedUploadUrlReply):
    """``file_size`` is in bytes."""

    file_size: int
