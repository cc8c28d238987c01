"""Evaluation datasets of MLflow 3: its ``datasets`` requests and replies.

They are other things than the dataset inputs of runs (``shared/contracts/datasets.py``). MLflow sends their tags and
records as JSON inside a text.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Command,
    ExperimentIds,
    Filter,
    Int32,
    OrderBy,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)

LinkedExperiments = Annotated[list[Word], AtMost(limits.DATASET_EXPERIMENTS)]

TagsJson = Annotated[str, Field(max_length=limits.BODY)]
"""The JSON of an object: tags by their keys."""

RecordsJson = Annotated[str, Field(min_length=1, max_length=limits.RECORDS_BODY)]
"""The JSON of a list of records: objects with ``inputs`` and perhaps ``outputs``, ``expectations``, ``tags`` and
``source``."""


class EvaluationDataset(Wire):
    """A dataset without its records. Times are Unix milliseconds; ``tags``, ``schema`` and ``profile`` are JSON."""

    dataset_id: str
    name: str
    tags: str
    schema_: str | None = Field(default=None, alias="schema")
    profile: str | None = None
    digest: str
    created_time: int
    last_update_time: int
    created_by: str | None = None
    last_updated_by: str | None = None
    experiment_ids: list[str] | None = None


class EvaluationDatasetReply(Wire):
    """One dataset."""

    dataset: EvaluationDataset


class CreateDataset(Command):
    """Create an evaluation dataset. Names are not unique; as in MLflow, it is not checked that the experiments exist."""

    service: ClassVar[str] = "traces"
    name: Required
    experiment_ids: LinkedExperiments = Field(default_factory=list)
    tags: TagsJson = ""


class GetDataset(Query):
    """Return an evaluation dataset without its records."""

    service: ClassVar[str] = "traces"
    dataset_id: Required


class DeleteDataset(Command):
    """Delete an evaluation dataset with its records. As in MLflow, it need not exist."""

    service: ClassVar[str] = "traces"
    dataset_id: Required


class SearchEvaluationDatasets(Query):
    """Search evaluation datasets of any of some experiments, or of all; newest first unless ``order_by`` says otherwise.

    A page holds at most ``limits.EVALUATION_DATASETS`` datasets and about ``limits.RECORDS_JSON`` characters.
    """

    service: ClassVar[str] = "traces"
    experiment_ids: ExperimentIds = Field(default_factory=list)
    filter_string: Filter | None = None
    max_results: Int32 | None = None
    order_by: OrderBy = Field(default_factory=list)
    page_token: PageToken | None = None


class SearchEvaluationDatasetsReply(Wire):
    """A page of datasets; no ``next_page_token`` on the last page."""

    datasets: list[EvaluationDataset]
    next_page_token: str | None = None


class SetDatasetTags(Command):
    """Set or overwrite tags of an evaluation dataset. A tag that is null is removed."""

    service: ClassVar[str] = "traces"
    dataset_id: Required
    tags: Annotated[TagsJson, Field(min_length=1)]


class DeleteDatasetTag(Command):
    """Remove a tag from an evaluation dataset. As in MLflow, neither need exist."""

    service: ClassVar[str] = "traces"
    dataset_id: Required
    key: Required


class UpsertDatasetRecords(Command):
    """Merge records into an evaluation dataset. A record with the same inputs as another is merged into it.

    The gateway sends at most ``limits.DATASET_RECORDS`` records and ``limits.RECORDS_JSON`` characters in a command.
    """

    service: ClassVar[str] = "traces"
    dataset_id: Required
    records: RecordsJson


class UpsertDatasetRecordsReply(Wire):
    """How many records are new, and how many were merged into others."""

    inserted_count: int
    updated_count: int


class GetDatasetRecords(Query):
    """Return the records of an evaluation dataset, oldest first, page by page; none if there is no such dataset.

    A page holds at most ``limits.DATASET_RECORDS`` records and about ``limits.RECORDS_JSON`` characters.
    """

    service: ClassVar[str] = "traces"
    dataset_id: Required
    max_results: Int32 | None = None
    page_token: Word | None = None


class GetDatasetRecordsReply(Wire):
    """The JSON of a list of records; no ``next_page_token`` on the last page."""

    records: str
    next_page_token: str | None = None


class DeleteDatasetRecords(Command):
    """Delete records of an evaluation dataset. Those that do not exist are left out, as in MLflow."""

    service: ClassVar[str] = "traces"
    dataset_id: Required
    dataset_record_ids: Annotated[list[Word], AtMost(limits.RECORD_IDS)] = Field(
        default_factory=list
    )


class DeleteDatasetRecordsReply(Wire):
    """How many records were deleted."""

    deleted_count: int


class GetDatasetExperimentIds(Query):
    """Return the experiments of an evaluation dataset; none if there is no such dataset."""

    service: ClassVar[str] = "traces"
    dataset_id: Required


class GetDatasetExperimentIdsReply(Wire):
    """The experiments in the order in which they were linked."""

    experiment_ids: list[str]


class AddDatasetToExperiments(Command):
    """Link an evaluation dataset to experiments, which must exist. A repeated link changes nothing."""

    service: ClassVar[str] = "traces"
    dataset_id: Required
    experiment_ids: LinkedExperiments = Field(default_factory=list)


class RemoveDatasetFromExperiments(Command):
    """Remove links of an evaluation dataset to experiments. Those that do not exist are left out, as in MLflow."""

    service: ClassVar[str] = "traces"
    dataset_id: Required
    experiment_ids: LinkedExperiments = Field(default_factory=list)
