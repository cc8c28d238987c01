"""Runs: MLflow's ``runs/*`` requests and replies, except for metrics and datasets."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.datasets import DatasetInput, ModelInput, ModelOutput
from shared.contracts.experiments import Tag, Tags
from shared.contracts.message import (
    AtMost,
    Command,
    ExperimentIds,
    Filter,
    Int32,
    Int64,
    OrderBy,
    PageToken,
    Query,
    Required,
    RunId,
    Wire,
    Word,
)
from shared.contracts.metrics import Metric, Points
from shared.contracts.views import RunStatus, ViewType


class Param(Wire):
    """A parameter. Once written, its value can't change."""

    key: Required
    value: str = ""


class RunInfo(Wire):
    """Times are Unix milliseconds; ``run_uuid`` repeats ``run_id``."""

    run_id: str
    run_uuid: str
    run_name: str
    experiment_id: str
    user_id: str
    status: RunStatus
    start_time: int
    end_time: int | None = None
    artifact_uri: str
    lifecycle_stage: str


class RunData(Wire):
    """The latest metrics, the params and the tags."""

    metrics: list[Metric] = Field(default_factory=list)
    params: list[Param] = Field(default_factory=list)
    tags: list[Tag] = Field(default_factory=list)


class RunInputs(Wire):
    """The datasets and logged models that the run read."""

    dataset_inputs: list[DatasetInput] = Field(default_factory=list)
    model_inputs: list[ModelInput] = Field(default_factory=list)


class RunOutputs(Wire):
    """The logged models that the run made."""

    model_outputs: list[ModelOutput] = Field(default_factory=list)


class Run(Wire):
    """A run with its data, inputs and outputs."""

    info: RunInfo
    data: RunData
    inputs: RunInputs = Field(default_factory=RunInputs)
    outputs: RunOutputs | None = None


class CreateRun(Command):
    """Start a run. Without a name it gets a generated one. ``experiment_id`` defaults to ``0``."""

    service: ClassVar[str] = "tracking"
    experiment_id: Word | None = None
    user_id: str | None = None
    run_name: str | None = None
    start_time: Int64 | None = None
    tags: Tags = Field(default_factory=list)


class RunReply(Wire):
    """The reply to ``runs/create`` and ``runs/get``."""

    run: Run


class GetRun(Query):
    """Return a run, deleted or not."""

    service: ClassVar[str] = "tracking"
    run_id: RunId


class GetRunByIid(Query):
    """Return a run by its iid, as in GitLab's ``candidate:<iid>``."""

    service: ClassVar[str] = "tracking"
    iid: Int64


class UpdateRun(Command):
    """Change the status, end time or name of an active run."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    status: RunStatus | None = None
    end_time: Int64 | None = None
    run_name: str | None = None


class UpdateRunReply(Wire):
    """The run's new state."""

    run_info: RunInfo


class DeleteRun(Command):
    """Mark a run as deleted."""

    service: ClassVar[str] = "tracking"
    run_id: RunId


class RestoreRun(Command):
    """Mark a deleted run as active."""

    service: ClassVar[str] = "tracking"
    run_id: RunId


class LogParam(Command):
    """Write a param. The same value again is accepted, another value is an error."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    key: Required
    value: str = ""


class SetTag(Command):
    """Set or overwrite a tag."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    key: Required
    value: str = ""


class DeleteTag(Command):
    """Remove an existing tag."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    key: Required


class LogBatch(Command):
    """Log metrics, params and tags of one run, all or nothing."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    metrics: Points = Field(default_factory=list)
    params: Annotated[list[Param], AtMost(limits.BATCH)] = Field(default_factory=list)
    tags: Annotated[list[Tag], AtMost(limits.BATCH)] = Field(default_factory=list)


class LogModel(Command):
    """MLflow 2's ``runs/log-model``: append to the tag ``mlflow.log-model.history``."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    model_json: Annotated[str, Field(min_length=1, max_length=limits.MODEL_JSON)]


class SearchRuns(Query):
    """Search runs of some experiments, newest first unless ``order_by`` says otherwise."""

    service: ClassVar[str] = "tracking"
    experiment_ids: ExperimentIds = Field(default_factory=list)
    filter: Filter | None = None
    run_view_type: ViewType = ViewType.ACTIVE_ONLY
    max_results: Int32 | None = None
    order_by: OrderBy = Field(default_factory=list)
    page_token: PageToken | None = None


class SearchRunsReply(Wire):
    """A page of runs; no ``next_page_token`` on the last page."""

    runs: list[Run]
    next_page_token: str | None = None
