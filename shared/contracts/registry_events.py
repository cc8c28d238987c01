"""Events of the registry. As in MLflow, prompts are registered models.

Topics use the nouns and verbs of MLflow's webhooks where MLflow has one.
"""

from typing import ClassVar
from uuid import UUID

from shared.contracts.message import DomainEvent
from shared.contracts.views import ModelStage


class ModelEvent(DomainEvent):
    """Something happened to a registered model; ``name`` is its name at that time."""

    name: str


class RegisteredModelCreated(ModelEvent):
    """A model or prompt was created."""

    topic: ClassVar[str] = "registered_model.created"


class RegisteredModelUpdated(ModelEvent):
    """A model's description changed."""

    topic: ClassVar[str] = "registered_model.updated"


class RegisteredModelRenamed(ModelEvent):
    """A model and its versions were renamed; ``name`` is the old name."""

    topic: ClassVar[str] = "registered_model.renamed"
    new_name: str


class RegisteredModelDeleted(ModelEvent):
    """A model was deleted with its versions, tags and aliases."""

    topic: ClassVar[str] = "registered_model.deleted"
    registered_model_id: UUID | None = None


class RegisteredModelTagSet(ModelEvent):
    """A model's tag was set or overwritten."""

    topic: ClassVar[str] = "registered_model_tag.set"
    key: str


class RegisteredModelTagDeleted(ModelEvent):
    """A model's tag was removed."""

    topic: ClassVar[str] = "registered_model_tag.deleted"
    key: str


class VersionEvent(ModelEvent):
    """Something happened to a model version; ``version`` is a decimal number as text."""

    version: str


class ModelVersionCreated(VersionEvent):
    """A version was created, perhaps from a run or a logged model.

    ``display_version`` is the version's name in the dialect of the client that created it: in GitLab's dialect another
    number. ``run_claim``: see ``EnsureVersionRun.claim``.
    """

    topic: ClassVar[str] = "model_version.created"
    display_version: str = ""
    source: str
    run_id: str
    model_id: str | None = None
    run_claim: UUID | None = None


class ModelVersionUpdated(VersionEvent):
    """A version's description changed."""

    topic: ClassVar[str] = "model_version.updated"


class ModelVersionStageTransitioned(VersionEvent):
    """A version was moved to a stage, or to Archived because another version replaced it."""

    topic: ClassVar[str] = "model_version.stage_transitioned"
    stage: ModelStage


class ModelVersionDeleted(VersionEvent):
    """A version was deleted with its tags and aliases. ``run_claim``: see ``EnsureVersionRun.claim``."""

    topic: ClassVar[str] = "model_version.deleted"
    run_claim: UUID | None = None


class ModelVersionTagSet(VersionEvent):
    """A version's tag was set or overwritten."""

    topic: ClassVar[str] = "model_version_tag.set"
    key: str


class ModelVersionTagDeleted(VersionEvent):
    """A version's tag was removed."""

    topic: ClassVar[str] = "model_version_tag.deleted"
    key: str


class ModelVersionAliasSet(VersionEvent):
    """An alias was pointed to a version; it may have pointed to another one before."""

    topic: ClassVar[str] = "model_version_alias.set"
    alias: str


class ModelVersionAliasDeleted(ModelEvent):
    """An alias was removed."""

    topic: ClassVar[str] = "model_version_alias.deleted"
    alias: str
