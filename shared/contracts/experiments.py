"""Experiments: MLflow's ``experiments/*`` requests and replies."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Command,
    ExperimentIds,
    Filter,
    Int64,
    OrderBy,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)
from shared.contracts.views import ViewType


class Tag(Wire):
    """A key and a text value, of an experiment, a run or an input."""

    key: Required
    value: str = ""


Tags = Annotated[list[Tag], AtMost(limits.ENTITIES)]


class Experiment(Wire):
    """Times are Unix milliseconds; ``lifecycle_stage`` is ``active`` or ``deleted``."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    last_update_time: int
    creation_time: int
    tags: list[Tag] = Field(default_factory=list)


class GetExperimentTag(Query):
    """Return the values of one tag of some experiments, deleted ones included."""

    service: ClassVar[str] = "tracking"
    experiment_ids: ExperimentIds
    key: Required


class ExperimentTagValues(Wire):
    """The values by experiment id; only of experiments that have the tag."""

    values: dict[str, str]


class CreateExperiment(Command):
    """Create an experiment. Its name is unique in the project; deleted experiments count."""

    service: ClassVar[str] = "tracking"
    name: Required
    artifact_location: Word | None = None
    tags: Tags = Field(default_factory=list)


class CreateExperimentReply(Wire):
    """The new experiment's id, a decimal number as text."""

    experiment_id: str


class GetExperiment(Query):
    """Return one experiment, deleted or not."""

    service: ClassVar[str] = "tracking"
    experiment_id: Required


class GetExperimentByName(Query):
    """Return one experiment by its name, deleted or not."""

    service: ClassVar[str] = "tracking"
    experiment_name: Required


class GetExperimentReply(Wire):
    """One experiment with its tags."""

    experiment: Experiment


class SearchExperiments(Query):
    """Search experiments, newest first unless ``order_by`` says otherwise; ``max_results`` defaults to 1000."""

    service: ClassVar[str] = "tracking"
    max_results: Int64 | None = None
    page_token: PageToken | None = None
    filter: Filter | None = None
    order_by: OrderBy = Field(default_factory=list)
    view_type: ViewType = ViewType.ACTIVE_ONLY


class SearchExperimentsReply(Wire):
    """A page of experiments; no ``next_page_token`` on the last page."""

    experiments: list[Experiment]
    next_page_token: str | None = None


class UpdateExperiment(Command):
    """Rename an active experiment."""

    service: ClassVar[str] = "tracking"
    experiment_id: Required
    new_name: Word | None = None


class DeleteExperiment(Command):
    """Mark an experiment and its runs as deleted."""

    service: ClassVar[str] = "tracking"
    experiment_id: Required


class RestoreExperiment(Command):
    """Mark a deleted experiment and its runs as active."""

    service: ClassVar[str] = "tracking"
    experiment_id: Required


class SetExperimentTag(Command):
    """Set or overwrite a tag of an active experiment."""

    service: ClassVar[str] = "tracking"
    experiment_id: Required
    key: Required
    value: str = ""


class DeleteExperimentTag(Command):
    """Remove a tag from an active experiment."""

    service: ClassVar[str] = "tracking"
    experiment_id: Required
    key: Required


class Empty(Wire):
    """The reply ``{}``."""
