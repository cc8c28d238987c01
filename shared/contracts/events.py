"""Events of the services tracking and traces, and the command that delivers an event early."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.message import Command, DomainEvent


class HandleEvent(Command):
    """Handle an event before the command that caused it is answered (ADR 40).

    Services with a database accept this command if they handle events. The same event arrives again through the
    exchange; the subscriber's inbox ignores it there by its ``event_id``.
    """

    event_id: UUID
    topic: str
    payload: str


class Purged(DomainEvent):
    """Something was purged. ``artifact_uri`` names the directory that is no longer needed, if there is one.

    ``kept`` are paths of directories inside it, or its own path, that other experiments use because their clients
    chose so. Like ``artifact_paths.owner_directory`` they begin with the project.
    """

    artifact_uri: str | None = None
    kept: list[str] = Field(default_factory=list)


class RunEvent(DomainEvent):
    """Something happened to a run."""

    run_id: str
    experiment_id: str


class RunFinished(RunEvent):
    """A run has reached a final status."""

    topic: ClassVar[str] = "run.finished"


class RunDeleted(RunEvent):
    """A run was marked deleted."""

    topic: ClassVar[str] = "run.deleted"


class RunRestored(RunEvent):
    """A run was marked active again."""

    topic: ClassVar[str] = "run.restored"


class RunPurged(Purged, RunEvent):
    """A run was purged."""

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
    """An experiment was purged; without ``artifact_uri`` if a client chose its location."""

    topic: ClassVar[str] = "experiment.purged"


class TracesDeleted(DomainEvent):
    """Traces were deleted. ``artifact_uris`` are their directories, each ``…/traces/<trace id>/artifacts``.

    Only traces whose directory may be in the bucket are named.
    """

    topic: ClassVar[str] = "trace.deleted"
    artifact_uris: list[str]


class LoggedModelDeleted(DomainEvent):
    """A logged model was marked deleted."""

    topic: ClassVar[str] = "logged_model.deleted"
    model_id: str
    experiment_id: str


class LoggedModelPurged(Purged):
    """A logged model was purged."""

    topic: ClassVar[str] = "logged_model.purged"
    model_id: str
    experiment_id: str
