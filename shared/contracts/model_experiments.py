"""What the registry has tracking do for models of GitLab's dialect. No endpoint leads here.

Each model has an experiment ``[model]<name>`` there, which is the model's own: no client deletes or
renames it. Each version has a run. All of these commands may be repeated: done twice is done once.
"""

from typing import ClassVar
from uuid import UUID

from shared.contracts.message import Command, Required, Wire

PREFIX = "[model]"
"""The name of a model's experiment is the model's name behind this."""


class EnsureModelExperiment(Command):
    """Make the experiment of a model that is about to be made.

    Refused if another experiment has its name, or, as GitLab has it, the model's. What a model that
    had the name before has left is deleted.
    """

    service: ClassVar[str] = "tracking"
    registered_model_id: UUID
    name: Required


class RenameModelExperiment(Command):
    """Let the experiment of a model, if it has one, follow the model's name."""

    service: ClassVar[str] = "tracking"
    registered_model_id: UUID
    new_name: Required


class EnsureVersionRun(Command):
    """Give a version a run: a new one, or the one of ``run_id``, which becomes the version's.

    ``claim`` is the version's id in this matter, and decides the id of a new run. A run of the
    model's experiment that ``has_version`` already can't have another. The experiment is made if
    the model has none yet, because it was made in MLflow's dialect.
    """

    service: ClassVar[str] = "tracking"
    registered_model_id: UUID
    name: Required
    claim: UUID
    run_id: str | None = None
    has_version: bool = False


class EnsureVersionRunReply(Wire):
    """The version's run."""

    run_id: str
    artifact_uri: str
