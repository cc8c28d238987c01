"""Searches issues: finds a page of their ids, by the rules of ``search_issues`` in MLflow's SQL store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparison
from shared.mlflow.search.bounded import Budget, Clause, Listing, Wanted, fetch_bounded
from shared.mlflow.search.candidates import Source, is_narrow, text_set
from shared.mlflow.search.grammars import ISSUES
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_text
from shared.mlflow.search.statement import Connection, Page

_COUNT: Final = (
    "\nCROSS JOIN LATERAL (SELECT count(DISTINCT a.trace_id) AS traces FROM assessments a"
    " WHERE a.project_id = i.project_id AND a.kind = 'issue' AND a.name = i.issue_id) n"
)


@dataclass(frozen=True, slots=True)
class SearchedIssues:
    """A search for issues of an experiment, or of all."""

    experiment_id: int | None
    filter: str
    by_traces: bool
    max_results: int
    page_token: str | None


async def search_issue_ids(
    connection: Connection, project: int, query: SearchedIssues, budget: Budget | None = None
) -> Page[str]:
    """Return a page of issue ids: the worst first, then by their traces if wanted, then newest.

    With ``by_traces`` the references to all issues are counted. Raises DomainError(INVALID_PARAMETER_VALUE) for every
    mistake of the client.
    """
    listing = Listing(
        table="issues",
        alias="i",
        key=("issue_id",),
        column="i.issue_id",
        scope=lambda bindings: _scope(project, query, bindings),
        clauses=[_clause(project, query, each) for each in parse_filter(query.filter, ISSUES)],
        terms=_terms(query),
        joins=lambda _: _COUNT if query.by_traces else "",
        walked=not query.by_traces,
    )
    place = "" if query.experiment_id is None else str(query.experiment_id)
    search = Search("issues", query.filter, (place, str(query.by_traces)))
    wanted = Wanted(search, query.page_token, query.max_results)
    return cast("Page[str]", await fetch_bounded(connection, listing, wanted, budget))


def _scope(project: int, query: SearchedIssues, bindings: Bindings) -> str:
    condition = f"i.project_id = {bindings.add(project, 'bigint')}"
    if query.experiment_id is None:
        return condition
    return f"{condition} AND i.experiment_id = {bindings.add(query.experiment_id, 'bigint')}"


def _clause(project: int, query: SearchedIssues, comparison: Comparison) -> Clause:
    column = f"i.{comparison.key}"

    def condition(bindings: Bindings) -> str:
        return compare_text(column, comparison.comparator, comparison.value, bindings)

    def candidates(bindings: Bindings) -> str:
        source = Source("issues i", "i.issue_id", _scope(project, query, bindings))
        return text_set(source, column, comparison, bindings)

    return Clause(condition, candidates, is_narrow(comparison))


def _terms(query: SearchedIssues) -> Sequence[Term]:
    return [
        *keyset.integer("i.severity_rank", ascending=False),
        *(keyset.integer("n.traces", ascending=False) if query.by_traces else ()),
        *keyset.integer("i.create_time", ascending=False),
        *keyset.c_text("i.issue_id", ascending=False),
    ]
