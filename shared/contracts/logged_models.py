"""Logged models (MLflow 3): ``logged-models/*`` requests and answers.

A logged model belongs to an experiment, not to a run. Its ``model_id`` stands in the request's path.
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
    """A point that names the model, and the run that measured it."""

    run_id: str


class LoggedModelData(Wire):
    """The params, and every point that was logged with the model's id."""

    params: list[Param] = Field(default_factory=list)
    metrics: list[LoggedModelMetric] = Field(default_factory=list)


class LoggedModel(Wire):
    """A logged model, whole."""

    info: LoggedModelInfo
    data: LoggedModelData


class LoggedModelReply(Wire):
    """The answer of creating, reading and finalizing."""

    model: LoggedModel


class CreateLoggedModel(Command):
    """Make a model whose artifacts are yet to come; without a name one is invented."""

    service: ClassVar[str] = "tracking"
    experiment_id: Required
    name: Word = ""
    model_type: Word = ""
    source_run_id: Word = ""
    params: Params = Field(default_factory=list)
    tags: Tags = Field(default_factory=list)


class GetLoggedModel(Query):
    """Read a model; a deleted one only if that is asked for."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    allow_deleted: bool = False


class FinalizeLoggedModel(Command):
    """Say whether the artifacts of a model arrived."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    status: LoggedModelStatus


class DeleteLoggedModel(Command):
    """Mark a model deleted."""

    service: ClassVar[str] = "tracking"
    model_id: Required


class SetLoggedModelTags(Command):
    """Set or overwrite tags; the last value of a key counts."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    tags: Tags = Field(default_factory=list)


class DeleteLoggedModelTag(Command):
    """Remove a tag that is there."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    tag_key: Required


class LogLoggedModelParams(Command):
    """Add params; the same value again is fine, another is refused."""

    service: ClassVar[str] = "tracking"
    model_id: Required
    params: Params = Field(default_factory=list)


class DatasetFilter(Wire):
    """A dataset by name, and by digest if there is one."""

    dataset_name: Word = ""
    dataset_digest: Word = ""


class LoggedModelOrder(DatasetFilter):
    """One field to order by; a dataset narrows ``metrics.<key>`` to what was measured on it."""

    field_name: Word = ""
    ascending: bool = True


class SearchLoggedModels(Query):
    """A page of the models of some experiments, newest first unless ``order_by`` says otherwise.

    ``datasets`` narrows the metrics that ``filter`` looks at; without any it finds models that
    have a metric on one of them.
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
