"""Registered models: MLflow's ``registered-models/*`` requests and replies, except for aliases."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.experiments import Tag, Tags
from shared.contracts.message import (
    AtMost,
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
from shared.contracts.model_versions import ModelVersion


class RegisteredModelAlias(Wire):
    """A name for one version of a model; ``version`` is a decimal number as text."""

    alias: str
    version: str


class RegisteredModel(Wire):
    """A model; ``latest_versions`` holds the newest version of each stage.

    Times are Unix milliseconds.
    """

    name: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str = ""
    latest_versions: list[ModelVersion] = Field(default_factory=list)
    tags: list[Tag] = Field(default_factory=list)
    aliases: list[RegisteredModelAlias] = Field(default_factory=list)


class RegisteredModelReply(Wire):
    """The current state of one model."""

    registered_model: RegisteredModel


class CreateRegisteredModel(Command):
    """Create a model without versions. The tag ``mlflow.prompt.is_prompt`` makes it a prompt."""

    service: ClassVar[str] = "registry"
    name: Required
    tags: Tags = Field(default_factory=list)
    description: str | None = None


class GetRegisteredModel(Query):
    """Return one model or prompt."""

    service: ClassVar[str] = "registry"
    name: Required


class RenameRegisteredModel(Command):
    """Rename a model and its versions."""

    service: ClassVar[str] = "registry"
    name: Required
    new_name: Required


class UpdateRegisteredModel(Command):
    """Replace the description of a model. Without a description it becomes empty."""

    service: ClassVar[str] = "registry"
    name: Required
    description: str | None = None


class DeleteRegisteredModel(Command):
    """Delete a model with its versions, tags and aliases."""

    service: ClassVar[str] = "registry"
    name: Required


class SearchRegisteredModels(Query):
    """Search models, by name unless ``order_by`` says otherwise; ``max_results`` defaults to 100."""

    service: ClassVar[str] = "registry"
    filter: Filter | None = None
    max_results: Int64 | None = None
    order_by: OrderBy = Field(default_factory=list)
    page_token: PageToken | None = None


class SearchRegisteredModelsReply(Wire):
    """A page of models; no ``next_page_token`` on the last page."""

    registered_models: list[RegisteredModel]
    next_page_token: str | None = None


class GetLatestVersions(Query):
    """Return the newest version of each given stage, or of every stage if none is given."""

    service: ClassVar[str] = "registry"
    name: Required
    stages: Annotated[list[Word], AtMost(limits.STAGES)] = Field(default_factory=list)


class GetLatestVersionsReply(Wire):
    """At most one version per stage."""

    model_versions: list[ModelVersion]


class SetRegisteredModelTag(Command):
    """Set or overwrite a tag of a model."""

    service: ClassVar[str] = "registry"
    name: Required
    key: Required
    value: str = ""


class DeleteRegisteredModelTag(Command):
    """Remove a tag of a model, if it exists."""

    service: ClassVar[str] = "registry"
    name: Required
    key: Required
