"""What services tell each other. ``artifact_uri`` names a directory that nobody needs any more."""

from typing import ClassVar

from shared.contracts.message import DomainEvent


class RunEvent(DomainEvent):
    """Something happened to a run."""

    run_id: str
    experiment_id: str


class RunFinished(RunEvent):
    """A run has got a final status."""

    topic: ClassVar[str] = "run.finished"


class RunDeleted(RunEvent):
    """A run was marked deleted."""

    topic: ClassVar[str] = "run.deleted"


class RunRestored(RunEvent):
    """A run was marked active again."""

    topic: ClassVar[str] = "run.restored"


class RunPurged(RunEvent):
    """A run is gone for good."""

    topic: ClassVar[str] = "run.purged"
    artifact_uri: str


class ExperimentEvent(DomainEvent):
    """Something happened to an experiment."""

    experiment_id: str


class ExperimentDeleted(ExperimentEvent):
    """An experiment was marked deleted, its runs included."""

    topic: ClassVar[str] = "experiment.deleted"


class ExperimentRestored(ExperimentEvent):
    """An experiment was marked active again, its runs included."""

    topic: ClassVar[str] = "experiment.restored"


class ExperimentPurged(ExperimentEvent):
    """An experiment is gone for good; no ``artifact_uri`` if others may keep artifacts there, too."""

    topic: ClassVar[str] = "experiment.purged"
    artifact_uri: str | None = None


class LoggedModelDeleted(DomainEvent):
    """A logged model was marked deleted."""

    topic: ClassVar[str] = "logged_model.deleted"
    model_id: str
    experiment_id: str


class LoggedModelPurged(DomainEvent):
    """A logged model is gone for good."""

    topic: ClassVar[str] = "logged_model.purged"
    model_id: str
    experiment_id: str
    artifact_uri: str
