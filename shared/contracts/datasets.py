"""Datasets and logged models as inputs and outputs of runs."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.experiments import Tag
from shared.contracts.message import (
    AtMost,
    Command,
    ExperimentIds,
    Int64,
    Query,
    Required,
    RunId,
    Wire,
)


class Dataset(Wire):
    """A dataset. Experiment, name and digest identify it."""

    name: Required
    digest: Required
    source_type: Required
    source: Annotated[str, Field(min_length=1)]
    schema_: str | None = Field(default=None, alias="schema")
    profile: str | None = None


class DatasetInput(Wire):
    """A dataset read by a run, with tags such as ``mlflow.data.context``."""

    dataset: Dataset
    tags: Annotated[list[Tag], AtMost(limits.INPUT_TAGS)] = Field(default_factory=list)


class ModelInput(Wire):
    """A logged model read by a run."""

    model_id: Required


class ModelOutput(Wire):
    """A logged model made by a run at a step."""

    model_id: Required
    step: Int64 = 0


class LogInputs(Command):
    """Record the datasets and logged models that a run read."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    datasets: Annotated[list[DatasetInput], AtMost(limits.DATASETS)] = Field(default_factory=list)
    models: Annotated[list[ModelInput], AtMost(limits.MODELS)] = Field(default_factory=list)


class LogOutputs(Command):
    """Record the logged models that a run made."""

    service: ClassVar[str] = "tracking"
    run_id: RunId
    models: Annotated[list[ModelOutput], AtMost(limits.MODELS)] = Field(default_factory=list)


class SearchDatasets(Query):
    """Return at most 1000 datasets of up to 20 experiments."""

    service: ClassVar[str] = "tracking"
    experiment_ids: ExperimentIds = Field(default_factory=list)


class DatasetSummary(Wire):
    """A dataset of an experiment in one context."""

    experiment_id: str
    name: str
    digest: str
    context: str | None = None


class SearchDatasetsReply(Wire):
    """The datasets that were found."""

    dataset_summaries: list[DatasetSummary]
