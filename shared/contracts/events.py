"""What services tell each other."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.message import Command, DomainEvent


class HandleEvent(Command):
    """Handle an event now: the command that it tells of is answered after that (ADR 40).

    Each service that subscribes to events takes it. The same event follows through the exchange;
    ``event_id`` tells the reader that it has been handled.
    """

    event_id: UUID
    topic: str
    payload: str


class Purged(DomainEvent):
    """Something is gone for good, and nobody needs the directory any more that ``artifact_uri`` names, if it names one.

    ``kept`` are paths of directories in it, or its own, where other experiments keep artifacts
    because clients chose so. Like ``artifact_paths.owner_directory`` they begin with the project.
    """

    artifact_uri: str | None = None
    kept: list[str] = Field(default_factory=list)


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


class RunPurged(Purged, RunEvent):
    """A run is gone for good."""

    topic: ClassVar[str] = "run.purged"


class ExperimentEvent(DomainEvent):
    """Something happened to an experiment."""

    experiment_id: str


class ExperimentDeleted(ExperimentEvent):
    """An experiment was marked deleted, its runs included."""

    topic: ClassVar[str] = "experiment.deleted"


class ExperimentRestored(ExperimentEvent):
    """An experiment was marked active again, its runs included."""

    topic: ClassVar[str] = "experiment.restored"


class ExperimentPurged(Purged, ExperimentEvent):
    """An experiment is gone for good; no ``artifact_uri`` if a client chose the place."""

    topic: ClassVar[str] = "experiment.purged"


class LoggedModelDeleted(DomainEvent):
    """A logged model was marked deleted."""

    topic: ClassVar[str] = "logged_model.deleted"
    model_id: str
    experiment_id: str


class LoggedModelPurged(Purged):
    """A logged model is gone for good."""

    topic: ClassVar[str] = "logged_model.purged"
    model_id: str
    experiment_id: str
