"""Model versions: MLflow's ``model-versions/*`` requests and replies.

A version's number is an integer that travels as text. In MLflow's dialect it counts the versions of one model. In
GitLab's dialect it is unique in the project; there requests may also use the semantic version, which is the first of
``aliases``.
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

    ``source`` is the location of the artifacts that the client gave. ``model_id`` is the logged model that the
    version was made from. ``status`` is always READY.
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
    """The current state of one version."""

    model_version: ModelVersion


class CreateModelVersion(Command):
    """Create the next version of a model.

    ``source`` may be a location, ``models:/<name>/<version>`` (a copy) or ``models:/<model_id>``. In GitLab's
    dialect it may be empty: then the artifacts of the version's run are its artifacts. The tag ``gitlab.version``
    gives the semantic version.
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
    """Return one version."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required


class GetVersionById(Query):
    """Return a version by its number in the project, as GitLab's dialect counts (its ``version`` there)."""

    service: ClassVar[str] = "registry"
    id: Int64


class UpdateModelVersion(Command):
    """Replace the description of a version. Without a description the old one is removed."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required
    description: str | None = None


class TransitionModelVersionStage(Command):
    """Move a version to a stage. On request, move the versions in that stage to Archived.

    ``stage`` is None, Staging, Production or Archived, in upper or lower case.
    """

    service: ClassVar[str] = "registry"
    name: Required
    version: Required
    stage: Required
    archive_existing_versions: StrictBool | None = None


class DeleteModelVersion(Command):
    """Delete a version with its tags and aliases. Its number is never used again."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required


class SearchModelVersions(Query):
    """Search versions, last changed first unless ``order_by`` says otherwise."""

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
    """Return the location from which a version's artifacts are loaded."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required


class GetModelVersionDownloadUriReply(Wire):
    """The location of the artifacts, never ``models:/…``."""

    artifact_uri: str


class SetModelVersionTag(Command):
    """Set or overwrite a tag of a version."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required
    key: Required
    value: str = ""


class DeleteModelVersionTag(Command):
    """Remove a tag of a version, if it exists."""

    service: ClassVar[str] = "registry"
    name: Required
    version: Required
    key: Required
