"""Commands from the registry to tracking, for models of GitLab's dialect. No endpoint sends them.

Each model has its own experiment ``[model]<name>``, which clients can't delete or rename. Each version has a run.
All of these commands are idempotent.
"""

from typing import ClassVar
from uuid import UUID

from shared.contracts.message import Command, Required, Wire

EXPERIMENT_PREFIX = "[model]"
"""Prefix of the name of a model's experiment; the model's name follows."""


class EnsureModelExperiment(Command):
    """Create the experiment of a model, before the model is created.

    It is refused if another experiment has the experiment's name or, as in GitLab, the model's name. An experiment
    that is left from an earlier model of the same name is deleted.
    """

    service: ClassVar[str] = "tracking"
    registered_model_id: UUID
    name: Required


class RenameModelExperiment(Command):
    """Rename the experiment of a model, if it has one, after the model was renamed."""

    service: ClassVar[str] = "tracking"
    registered_model_id: UUID
    new_name: Required


class EnsureVersionRun(Command):
    """Give a version a run: a new one, or the existing run ``run_id``.

    ``claim`` identifies the version, and the id of a new run is derived from it. A run of the model's experiment
    that already belongs to a version (``has_version``) can't get a second one. A model that was created in MLflow's
    dialect has no experiment yet; it is created first.
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
