"""What the registry tells other services. Prompts are registered models here, as in MLflow.

Nouns and verbs are those of MLflow's webhooks where MLflow has one.
"""

from typing import ClassVar
from uuid import UUID

from shared.contracts.message import DomainEvent
from shared.contracts.views import ModelStage


class ModelEvent(DomainEvent):
    """Something happened to a registered model, which is told by its name at the time."""

    name: str


class RegisteredModelCreated(ModelEvent):
    """A model or prompt was made."""

    topic: ClassVar[str] = "registered_model.created"


class RegisteredModelUpdated(ModelEvent):
    """A model has another description."""

    topic: ClassVar[str] = "registered_model.updated"


class RegisteredModelRenamed(ModelEvent):
    """A model, and so its versions, has another name; ``name`` is the old one."""

    topic: ClassVar[str] = "registered_model.renamed"
    new_name: str


class RegisteredModelDeleted(ModelEvent):
    """A model is gone, with its versions, tags and aliases."""

    topic: ClassVar[str] = "registered_model.deleted"
    registered_model_id: UUID | None = None


class RegisteredModelTagSet(ModelEvent):
    """A model has a tag, perhaps another value of it."""

    topic: ClassVar[str] = "registered_model_tag.set"
    key: str


class RegisteredModelTagDeleted(ModelEvent):
    """A model has a tag no more."""

    topic: ClassVar[str] = "registered_model_tag.deleted"
    key: str


class VersionEvent(ModelEvent):
    """Something happened to a model's version; ``version`` is a decimal number as text."""

    version: str


class ModelVersionCreated(VersionEvent):
    """A version was made, perhaps from a run or a logged model.

    ``called`` is what the client that made it calls the version: in GitLab's dialect another number.
    ``run_claim``: see ``EnsureVersionRun.claim``.
    """

    topic: ClassVar[str] = "model_version.created"
    called: str = ""
    source: str
    run_id: str
    model_id: str | None = None
    run_claim: UUID | None = None


class ModelVersionUpdated(VersionEvent):
    """A version has another description."""

    topic: ClassVar[str] = "model_version.updated"


class ModelVersionStageTransitioned(VersionEvent):
    """A version was moved to a stage, or to Archived because another one took its place."""

    topic: ClassVar[str] = "model_version.stage_transitioned"
    stage: ModelStage


class ModelVersionDeleted(VersionEvent):
    """A version is gone, with its tags and aliases. ``run_claim``: see ``EnsureVersionRun.claim``."""

    topic: ClassVar[str] = "model_version.deleted"
    run_claim: UUID | None = None


class ModelVersionTagSet(VersionEvent):
    """A version has a tag, perhaps another value of it."""

    topic: ClassVar[str] = "model_version_tag.set"
    key: str


class ModelVersionTagDeleted(VersionEvent):
    """A version has a tag no more."""

    topic: ClassVar[str] = "model_version_tag.deleted"
    key: str


class ModelVersionAliasSet(VersionEvent):
    """An alias points to a version, perhaps away from another one."""

    topic: ClassVar[str] = "model_version_alias.set"
    alias: str


class ModelVersionAliasDeleted(ModelEvent):
    """An alias is gone."""

    topic: ClassVar[str] = "model_version_alias.deleted"
    alias: str
