"""Issues of experiments: MLflow's ``issues`` requests.

The frame has asked tracking about an issue's experiment and run, and locked the issues that commands change
(``handlers.frames``).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from asyncpg import Record
from pydantic_core import to_json

from services.traces.experiments import parse_experiment_id
from services.traces.rules.assessments import now
from services.traces.store import issues
from services.traces.store.issues import IssueChange, NewIssue
from services.traces.store.search_issues import SearchedIssues, search_issue_ids
from shared.contracts import limits
from shared.contracts.errors import DomainError, invalid, missing_resource
from shared.contracts.issues import CreateIssue, GetIssue, SearchIssues, UpdateIssue
from shared.contracts.message import Message
from shared.handling.handlers import Handler
from shared.mlflow.search.max_results import check_max_results
from shared.postgres.transaction import Transaction

DEFAULT_PAGE = 100
LARGEST_PAGE = 1_000
"""Issues of a page. MLflow's server makes one of 50,000 if it is asked to; here a token follows."""


async def create_issue(cmd: CreateIssue, tx: Transaction) -> bytes:
    """Describe an issue; its id is the command's."""
    new = NewIssue(
        issue_id=f"iss-{tx.envelope.id.hex}",
        experiment_id=parse_experiment_id(cmd.experiment_id),
        name=cmd.name,
        description=cmd.description,
        status=cmd.status,
        severity=cmd.severity,
        root_causes=cmd.root_causes,
        categories=cmd.categories,
        source_run_id=cmd.source_run_id or None,
        created_by=cmd.created_by or None,
        create_time=now(),
    )
    if new.size > limits.ASSESSMENT:
        message = f"An issue can have at most {limits.ASSESSMENT} bytes, this one has {new.size}."
        raise invalid(message)
    return _reply(await issues.insert(tx, new))


async def update_issue(cmd: UpdateIssue, tx: Transaction) -> bytes:
    """Change an issue."""
    change = IssueChange(
        name=cmd.name or None,
        description=cmd.description or None,
        status=cmd.status,
        severity=cmd.severity,
        last_update_time=now(),
    )
    row = await issues.update(tx, cmd.issue_id, change)
    if row is None:
        raise _not_found(cmd.issue_id)
    return _reply(row)


async def get_issue(query: GetIssue, tx: Transaction) -> bytes:
    """Return an issue."""
    for row in await issues.read(tx, [query.issue_id]):
        return _reply(row)
    raise _not_found(query.issue_id)


async def search_issues(query: SearchIssues, tx: Transaction) -> bytes:
    """Search issues."""
    experiment_id = parse_experiment_id(query.experiment_id) if query.experiment_id else None
    wanted = check_max_results(query.max_results, DEFAULT_PAGE)
    searched = SearchedIssues(
        experiment_id,
        query.filter_string or "",
        query.include_trace_count,
        min(wanted, LARGEST_PAGE),
        query.page_token or None,
    )
    page = await search_issue_ids(tx.connection, tx.project, searched)
    fitting = await issues.number_that_fits(tx, page.items)
    if fitting < len(page.items):
        # A shorter page, and a token that continues after it.
        shorter = replace(searched, max_results=fitting)
        page = await search_issue_ids(tx.connection, tx.project, shorter)
    rows = await issues.read(tx, page.items)
    counts = await issues.trace_counts(tx, page.items) if query.include_trace_count else None
    found = [
        _issue(row, None if counts is None else counts.get(row["issue_id"], 0)) for row in rows
    ]
    token = {"next_page_token": page.next_page_token} if page.next_page_token else {}
    return to_json({"issues": found, **token})


def _reply(row: Record) -> bytes:
    return to_json({"issue": _issue(row)})


def _issue(row: Record, trace_count: int | None = None) -> dict[str, Any]:
    issue = {
        "issue_id": row["issue_id"],
        "experiment_id": str(row["experiment_id"]),
        "name": row["name"],
        "description": row["description"],
        "status": row["status"],
        "severity": row["severity"],
        "root_causes": row["root_causes"] or None,
        "source_run_id": row["source_run_id"],
        "created_timestamp": row["create_time"],
        "last_updated_timestamp": row["last_update_time"],
        "created_by": row["created_by"],
        "categories": row["categories"] or None,
        "trace_count": trace_count,
    }
    return {name: value for name, value in issue.items() if value is not None}


def _not_found(issue_id: str) -> DomainError:
    return missing_resource(f"Issue with ID '{issue_id}' not found")


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    CreateIssue: create_issue,
    UpdateIssue: update_issue,
    GetIssue: get_issue,
    SearchIssues: search_issues,
}
