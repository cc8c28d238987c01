"""Issues of traces: MLflow's ``issues`` requests and replies (``issues.proto``).

An issue is a problem that was found in traces of an experiment. Traces refer to it by an assessment.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts import limits
from shared.contracts.message import (
    AtMost,
    Command,
    Filter,
    Int32,
    Int64,
    PageToken,
    Query,
    Required,
    Wire,
    Word,
)

IssueId = Annotated[str, Field(max_length=50)]
"""``iss-`` and 32 hexadecimal digits."""

Name = Annotated[str, Field(min_length=1, max_length=250)]
Items = Annotated[
    list[Annotated[str, Field(max_length=limits.ASSESSMENT)]], AtMost(limits.ISSUE_ITEMS)
]


class IssueStatus(StrEnum):
    """What has become of an issue."""

    PENDING = "pending"
    REJECTED = "rejected"
    RESOLVED = "resolved"


class IssueSeverity(StrEnum):
    """How bad an issue is, from the least to the worst."""

    NOT_AN_ISSUE = "not_an_issue"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class CreateIssue(Command):
    """Describe an issue of an experiment."""

    service: ClassVar[str] = "traces"
    experiment_id: Required
    name: Name
    description: Annotated[str, Field(min_length=1, max_length=limits.ASSESSMENT)]
    status: IssueStatus = IssueStatus.PENDING
    severity: IssueSeverity | None = None
    root_causes: Items = Field(default_factory=list)
    categories: Items = Field(default_factory=list)
    source_run_id: Annotated[str, Field(max_length=32)] | None = None
    created_by: Annotated[str, Field(max_length=255)] | None = None


class UpdateIssue(Command):
    """Change the given fields of an issue. An empty name or description is not given, as in MLflow."""

    service: ClassVar[str] = "traces"
    issue_id: IssueId
    name: Annotated[str, Field(max_length=250)] | None = None
    description: Annotated[str, Field(max_length=limits.ASSESSMENT)] | None = None
    status: IssueStatus | None = None
    severity: IssueSeverity | None = None


class GetIssue(Query):
    """Return an issue."""

    service: ClassVar[str] = "traces"
    issue_id: IssueId


class SearchIssues(Query):
    """Search issues of an experiment, or of all: the worst first, then by their traces if these are counted, then newest.

    ``filter_string`` compares ``status`` and ``source_run_id`` by ``=`` and ``!=``. A page has 1,000 issues at most.
    """

    service: ClassVar[str] = "traces"
    experiment_id: Word | None = None
    filter_string: Filter | None = None
    max_results: Int32 | None = None
    page_token: PageToken | None = None
    include_trace_count: bool = False


class Issue(Wire):
    """An issue. Times are milliseconds. ``trace_count`` is there if it was asked for."""

    issue_id: str
    experiment_id: str
    name: str
    description: str
    status: IssueStatus
    severity: IssueSeverity | None = None
    root_causes: list[str] | None = None
    source_run_id: str | None = None
    categories: list[str] | None = None
    created_timestamp: Int64
    last_updated_timestamp: Int64
    created_by: str | None = None
    trace_count: Int32 | None = None


class IssueReply(Wire):
    """An issue."""

    issue: Issue


class SearchIssuesReply(Wire):
    """A page of issues; no ``next_page_token`` on the last page."""

    issues: list[Issue]
    next_page_token: str | None = None
