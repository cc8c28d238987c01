"""Model versions: MLflow's ``model-versions/*`` requests and answers.

A version's number is an integer that travels as text. In GitLab's dialect that is not MLflow's
count of a model's versions, but a number of its own in the project; requests may name a version by
its semantic version as well, which is the first of ``aliases`` there.
"""

from typing import ClassVar

from pydantic import Field, StrictBool

from shared.contracts.experiments import Tag, Tags
from shared.contracts.message import (
    Command,
    Filter,
    Int64,
    OrderBy,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)
from shared.contracts.views import ModelStage


class ModelVersion(Wire):
    """A version of a registered model. Times are Unix milliseconds.

    ``source`` is where the client said that the artifacts are, ``model_id`` the logged model that
    the version was made from; ``status`` is always READY.
    """

    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int
    user_id: str | None = None
    current_stage: ModelStage
    description: str | None = None
    source: str
    run_id: str = ""
    run_link: str = ""
    status: str
    tags: list[Tag] = Field(default_factory=list)
    aliases: list[str] = Field(default_factory=list)
    model_id: str | None = None


class ModelVersionReply(Wire):
    """One version, as it is now."""

    model_version: ModelVersion


class CreateModelVersion(Command):
    """Make the next version of a model.

    ``source`` may be a location, ``models:/<name>/<version>`` (a copy) or ``models:/<model_id>``.
    In GitLab's dialect it may be empty: what is logged to the version's run are its artifacts then.
    The tag ``gitlab.version`` names the semantic version.
    """

    service: ClassVar[str] = "registry"
    name: Required
    source: Word = ""
    run_id: Word | None = None
    tags: Tags = Field(default_factory=list)
    run_link: Word | None = None
    description: str | None = None
    model_id: Word | None = None


class GetModelVersion(Query):
    """Read one version."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required


class GetVersionById(Query):
    """Read the version that has a number of its own, which GitLab's dialect calls ``version``."""

    service: ClassVar[str] = "registry"
    id: Int64


class UpdateModelVersion(Command):
    """Replace the description of a version; none takes it away."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required
    description: str | None = None


class TransitionModelVersionStage(Command):
    """Move a version to a stage and, if asked, the versions that are there to Archived.

    ``stage`` is None, Staging, Production or Archived, in any case of letters.
    """

    service: ClassVar[str] = "registry"
    name: Required
    version: Required
    stage: Required
    archive_existing_versions: StrictBool | None = None


class DeleteModelVersion(Command):
    """Delete a version with its tags and aliases; its number is never used again."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required


class SearchModelVersions(Query):
    """A page of versions, the last changed first unless ``order_by`` says otherwise."""

    service: ClassVar[str] = "registry"
    filter: Filter | None = None
    max_results: Int64 | None = None
    order_by: OrderBy = Field(default_factory=list)
    page_token: PageToken | None = None


class SearchModelVersionsReply(Wire):
    """A page of versions; no ``next_page_token`` on the last page."""

    model_versions: list[ModelVersion]
    next_page_token: str | None = None


class GetModelVersionDownloadUri(Query):
    """Where a version's artifacts are to be loaded from."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required


class GetModelVersionDownloadUriReply(Wire):
    """A location that holds artifacts: never ``models:/…``."""

    artifact_uri: str


class SetModelVersionTag(Command):
    """Set or overwrite a tag of a version."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required
    key: Required
    value: str = ""


class DeleteModelVersionTag(Command):
    """Remove a tag of a version, if it is there."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required
    key: Required
