"""Artifacts: the requests of MLflow's artifact proxy and of ``artifacts/*``, and presigned URLs.

A path is relative to the root of all artifacts unless an ``artifact_uri`` goes with it: the root of
a run. That field is the gateway's, which looks the run up and overwrites what a client put there.
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

UPLOAD_ID = r"^[A-Za-z0-9._~+=-]{1,1024}$"
"""What S3 servers make upload ids of; anything else never was one."""


class FileInfo(Wire):
    """One entry of a listing; ``file_size`` is in bytes and absent for directories."""

    path: str
    is_dir: bool
    file_size: int | None = None


class PresignArtifact(Query):
    """Sign a URL with which the gateway itself reads or writes one object, or one part of it."""

    service: ClassVar[str] = "artifacts"
    method: Literal["GET", "HEAD", "PUT"]
    path: Word
    upload_id: Annotated[str, Field(pattern=UPLOAD_ID)] | None = None
    part_number: Annotated[Int64, Field(ge=1, le=limits.PARTS)] = 1


class PresignArtifactReply(Wire):
    """``url`` is good for one request that begins soon; ``name`` is the last part of the artifact's path."""

    url: str
    name: str


class ListProxiedArtifacts(Query):
    """``GET mlflow-artifacts/artifacts``: all entries of one directory, named relative to it."""

    service: ClassVar[str] = "artifacts"
    path: Word = ""


class ListProxiedArtifactsReply(Wire):
    """The entries; none for a directory that is not there, or for a file."""

    files: list[FileInfo]


class ListArtifacts(Query):
    """``artifacts/list``: a page of one directory of a run, named relative to the run's root."""

    service: ClassVar[str] = "artifacts"
    run_id: RunId
    path: Word = ""
    page_token: PageToken = ""
    artifact_uri: SkipJsonSchema[Word] = ""


class ListLoggedModelArtifacts(Query):
    """A page of one directory of a logged model, named relative to the model's root."""

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
    """Delete a file, or a directory with all that is in it; nothing there is fine."""

    service: ClassVar[str] = "artifacts"
    path: Word


class CreateMultipartUpload(Command):
    """Begin an upload in parts: of the file ``path`` to the directory ``artifact_path``."""

    service: ClassVar[str] = "artifacts"
    artifact_path: Word
    path: Required
    num_parts: Annotated[Int64, Field(ge=1, le=limits.PARTS)] = 1


class MultipartUploadCredential(Wire):
    """Where one part is to be sent with PUT, and with which headers."""

    url: str
    part_number: int
    headers: dict[str, str]


class CreateMultipartUploadReply(Wire):
    """The upload and a URL for each of its parts."""

    upload_id: str
    credentials: list[MultipartUploadCredential]


class MultipartUploadPart(Wire):
    """A part that was sent; ``etag`` is what the storage answered."""

    part_number: Annotated[Int64, Field(ge=1, le=limits.PARTS)]
    etag: Required
    url: Word | None = None


class CompleteMultipartUpload(Command):
    """Make one object of the parts; a second time is fine."""

    service: ClassVar[str] = "artifacts"
    artifact_path: Word
    path: Required
    upload_id: Annotated[str, Field(pattern=UPLOAD_ID)]
    parts: Annotated[list[MultipartUploadPart], Field(min_length=1), AtMost(limits.PARTS)]


class AbortMultipartUpload(Command):
    """Throw the parts away; a second time is fine."""

    service: ClassVar[str] = "artifacts"
    artifact_path: Word
    path: Required
    upload_id: Annotated[str, Field(pattern=UPLOAD_ID)]


class GetPresignedDownloadUrl(Query):
    """``GET mlflow-artifacts/presigned/<path>``: read one object straight from the storage."""

    service: ClassVar[str] = "artifacts"
    artifact_path: Word


class GetPresignedDownloadUrlReply(Wire):
    """``file_size`` is in bytes; the headers must go along with the request."""

    url: str
    headers: dict[str, str]
    file_size: int


class CreatePresignedDownloadUrl(Query):
    """``artifacts/presigned-download-url``; ``expiration`` is in seconds."""

    service: ClassVar[str] = "artifacts"
    run_id: RunId
    path: Required
    expiration: Int64 | None = None
    artifact_uri: SkipJsonSchema[Word] = ""


class CreatePresignedUploadUrl(Query):
    """``artifacts/presigned-upload-url``; of a run or of a logged model.

    ``expiration`` is in seconds. Nothing is written yet, but whoever has the URL may.
    """

    service: ClassVar[str] = "artifacts"
    changes: ClassVar[bool] = True
    run_id: Word = ""
    model_id: Word = ""
    path: Required
    expiration: Int64 | None = None
    artifact_uri: SkipJsonSchema[Word] = ""


class CreatePresignedUploadUrlReply(Wire):
    """The headers must go along with the PUT."""

    presigned_url: str
    headers: dict[str, str]


class CreatePresignedDownloadUrlReply(CreatePresignedUploadUrlReply):
    """``file_size`` is in bytes."""

    file_size: int
