"""Logged models (MLflow 3): ``logged-models/*`` requests and replies.

A logged model belongs to an experiment, not to a run. Its ``model_id`` is in the request's path.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.experiments import Tag, Tags
from shared.contracts.message import (
    AtMost,
    Command,
    ExperimentIds,
    Filter,
    Int32,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)
from shared.contracts.metrics import Metric
from shared.contracts.runs import Param
from shared.contracts.views import LoggedModelStatus

Params = Annotated[list[Param], AtMost(limits.ENTITIES)]


class LoggedModelInfo(Wire):
    """Times are Unix milliseconds; ``artifact_uri`` is the model's own directory."""

    model_id: str
    experiment_id: str
    name: str
    creation_timestamp_ms: int
    last_updated_timestamp_ms: int
    artifact_uri: str
    status: LoggedModelStatus
    model_type: str
    source_run_id: str
    tags: list[Tag] = Field(default_factory=list)


class LoggedModelMetric(Metric):
    """A point with the model's id and the run that logged it."""

    run_id: str


class LoggedModelData(Wire):
    """The params, and all points that were logged with the model's id."""

    params: list[Param] = Field(default_factory=list)
    metrics: list[LoggedModelMetric] = Field(default_factory=list)


class LoggedModel(Wire):
    """A logged model with its data."""

    info: LoggedModelInfo
    data: LoggedModelData


class LoggedModelReply(Wire):
    """The reply to creating, reading and finalizing a model."""

    model: LoggedModel


class CreateLoggedModel(Command):
    """Create a logged model before its artifacts exist. Without a name it gets a generated one."""

    service: ClassVar[str] = "tracking"
    experiment_id: Required
    name: Word = ""
    model_type: Word = ""
    source_run_id: Word = ""
    params: Params = Field(default_factory=list)
    tags: Tags = Field(default_factory=list)


class GetLoggedModel(Query):
    """Return a logged model. A deleted one is returned only with ``allow_deleted``."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    allow_deleted: bool = False


class FinalizeLoggedModel(Command):
    """Record whether the artifacts of a logged model arrived."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    status: LoggedModelStatus


class DeleteLoggedModel(Command):
    """Mark a logged model as deleted."""

    service: ClassVar[str] = "tracking"
    model_id: Required


class SetLoggedModelTags(Command):
    """Set or overwrite tags. Of two values with the same key the last one counts."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    tags: Tags = Field(default_factory=list)


class DeleteLoggedModelTag(Command):
    """Remove an existing tag."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    tag_key: Required


class LogLoggedModelParams(Command):
    """Add params. The same value again is accepted, another value is an error."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    params: Params = Field(default_factory=list)


class DatasetFilter(Wire):
    """A dataset with this name and, if given, this digest."""

    dataset_name: Word = ""
    dataset_digest: Word = ""


class LoggedModelOrder(DatasetFilter):
    """One field to sort by. A dataset limits ``metrics.<key>`` to points that were measured on it."""

    field_name: Word = ""
    ascending: bool = True


class SearchLoggedModels(Query):
    """Search logged models of some experiments, newest first unless ``order_by`` says otherwise.

    ``datasets`` limits the metrics that ``filter`` sees. If ``filter`` compares no metric, the search
    finds models that have any metric on one of the datasets.
    """

    service: ClassVar[str] = "tracking"
    experiment_ids: ExperimentIds
    filter: Filter | None = None
    datasets: Annotated[list[DatasetFilter], AtMost(limits.ORDERS)] = Field(default_factory=list)
    max_results: Int32 | None = None
    order_by: Annotated[list[LoggedModelOrder], AtMost(limits.ORDERS)] = Field(default_factory=list)
    page_token: PageToken | None = None


class SearchLoggedModelsReply(Wire):
    """A page of models; no ``next_page_token`` on the last page."""

    models: list[LoggedModel]
    next_page_token: str | None = None
