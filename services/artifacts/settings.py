"""Settings of the artifacts service."""

from typing import Annotated

from pydantic import BaseModel, Field, PositiveInt

from shared.runtime.files import AuthorityFile
from shared.runtime.settings import ProcessSettings

GIBIBYTE = 1024**3

UrlSeconds = Annotated[int, Field(ge=1, le=7 * 24 * 3600)]
"""Seconds. S3 signs URLs for a week at most."""


class S3Settings(BaseModel):
    """An S3 server and a bucket on it."""

    endpoint: str = Field(
        pattern=r"^https?://[^/?#@]+/?$", description="The S3 server, as http://host:port"
    )
    public_endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^/?#@]+/?)?$",
        description="Address of that server for clients, in presigned URLs; empty: the endpoint",
    )
    access_key: str = Field(repr=False, description="Access key")
    secret_key: str = Field(repr=False, description="Secret key")
    ca_file: AuthorityFile | None = Field(
        default=None,
        description="PEM file of the authority that signed an https endpoint's certificate; "
        "else the system's",
    )
    region: str = Field(default="us-east-1", description="Region that requests are signed for")
    bucket: str = Field(
        default="warren-artifacts",
        description="Bucket; made where it is missing, if the keys may make one",
    )
    threads: PositiveInt = Field(
        default=16, description="Calls to the S3 server that a process makes at a time"
    )
    url_seconds: UrlSeconds = Field(
        default=900, description="Longest lifetime of a URL that clients get, in seconds"
    )
    part_url_seconds: UrlSeconds = Field(
        default=3600,
        description="Lifetime of the URLs of an upload's parts, in seconds: clients get all of them at "
        "the start, so the last part must begin within it",
    )


class ArtifactsSettings(ProcessSettings):
    """The artifacts service: presigned URLs, listings, deletion, multipart uploads.

    Every setting is also an environment variable, as in WARREN_S3_ENDPOINT.
    """

    s3: S3Settings = Field(description="Its storage")
    max_artifact_bytes: PositiveInt = Field(
        default=5 * GIBIBYTE, description="Largest file that clients may upload in parts"
    )
