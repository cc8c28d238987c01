"""Searches model versions: finds a page of their keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from services.registry.store import prompts
from services.registry.store.model_versions import VersionKey
from shared.contracts.model_versions import SearchModelVersions
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparison, Entity, OrderBy
from shared.mlflow.search.bounded import Budget, Clause, Listing, Wanted, fetch_bounded
from shared.mlflow.search.candidates import Source, integer_set, is_narrow, long_text_set, text_set
from shared.mlflow.search.grammars import MODEL_VERSIONS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_text, exists
from shared.mlflow.search.statement import Connection, Page

DEFAULT_PAGE = 10_000
LARGEST_PAGE = 200_000

_TEXT_COLUMNS: Final = {"name": "v.name", "run_id": "v.run_id", "source_path": "v.source"}
_NUMBER = "version_number"
_NUMBER_COLUMNS: Final = {
    "creation_timestamp": "v.creation_time",
    "last_updated_timestamp": "v.last_updated_time",
}
_KEY: Final = ("registered_model_id", "version")
_LAST_CHANGED_FIRST = (OrderBy(Entity.ATTRIBUTE, "last_updated_timestamp", ascending=False),)
# Both together are unique, so every order ends with them.
_TIE_BREAKERS = (
    OrderBy(Entity.ATTRIBUTE, "name", ascending=True),
    OrderBy(Entity.ATTRIBUTE, _NUMBER, ascending=False),
)


async def search_model_version_keys(
    connection: Connection,
    project: int,
    query: SearchModelVersions,
    number_column: str,
    budget: Budget | None = None,
) -> Page[VersionKey]:
    """Return a page of version keys, by default the last changed first.

    ``number_column`` is the column with the dialect's names of versions; for prompts it is always
    ``version``. Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = check_max_results(query.max_results, DEFAULT_PAGE, LARGEST_PAGE)
    comparisons = parse_filter(query.filter, MODEL_VERSIONS)
    orders = parse_order_by(query.order_by, MODEL_VERSIONS)
    with_prompts, wanted = prompts.visible(comparisons)
    number = "version" if with_prompts else number_column
    columns = {**_NUMBER_COLUMNS, _NUMBER: f"v.{number}"}
    clauses = [_Comparing(project, each, columns).clause for each in wanted]
    if not with_prompts:
        # One version with the tag hides the others of its model, as in MLflow.
        clauses.append(Clause(lambda _: prompts.hidden("model_version_tags", "v")))
    listing = Listing(
        table="model_versions",
        alias="v",
        key=_KEY,
        column="(v.registered_model_id, v.version)",
        scope=lambda bindings: f"v.project_id = {bindings.add(project, 'bigint')}",
        clauses=clauses,
        terms=_terms((*(orders or _LAST_CHANGED_FIRST), *_TIE_BREAKERS), columns),
    )
    search = Search("model_versions", query.filter or "", tuple(query.order_by))
    wanted_page = Wanted(search, query.page_token, limit)
    page = await fetch_bounded(connection, listing, wanted_page, budget)
    return cast("Page[VersionKey]", page)


@dataclass(frozen=True, slots=True)
class _Comparing:
    """A comparison of the versions of a project, as SQL; ``columns`` are those with numbers."""

    project: int
    comparison: Comparison
    columns: Mapping[str, str]

    @property
    def clause(self) -> Clause:
        """Return the condition and the set."""
        on = "" if self.comparison.entity is Entity.TAG else self._column
        return Clause(self._condition, self._candidates, is_narrow(self.comparison), on)

    @property
    def _column(self) -> str:
        return {**_TEXT_COLUMNS, **self.columns}[self.comparison.key]

    def _condition(self, bindings: Bindings) -> str:
        comparison = self.comparison
        comparator, value = comparison.comparator, comparison.value
        if comparison.entity is Entity.TAG:
            return exists(
                "model_version_tags f WHERE f.project_id = v.project_id"
                " AND f.registered_model_id = v.registered_model_id AND f.version = v.version"
                f" AND f.key = {bindings.add(comparison.key, 'text')}"
                f" AND {compare_text('f.value', comparator, value, bindings)}"
            )
        compare = compare_integer if comparison.key in self.columns else compare_text
        return compare(self._column, comparator, value, bindings)

    def _candidates(self, bindings: Bindings) -> str:
        comparison = self.comparison
        project = bindings.add(self.project, "bigint")
        if comparison.entity is Entity.TAG:
            key = bindings.add(comparison.key, "text")
            scope = f"f.project_id = {project} AND f.key = {key}"
            source = Source("model_version_tags f", "f.registered_model_id, f.version", scope)
            return long_text_set(source, "f.value", comparison, bindings)
        columns = "v.registered_model_id, v.version"
        source = Source("model_versions v", columns, f"v.project_id = {project}")
        if comparison.key in self.columns:
            return integer_set(source, self._column, comparison, bindings)
        find = long_text_set if comparison.key == "source_path" else text_set
        return find(source, self._column, comparison, bindings)


def _terms(orders: Sequence[OrderBy], columns: Mapping[str, str]) -> list[Term]:
    """Return the ordering terms, each key once."""
    terms: dict[str, Term] = {}
    for order in orders:
        if order.key not in terms:
            (terms[order.key],) = _term(order, columns)
    return list(terms.values())


def _term(order: OrderBy, columns: Mapping[str, str]) -> tuple[Term, ...]:
    if order.key == "name":
        return keyset.c_text("v.name", ascending=order.ascending)
    return keyset.integer(columns[order.key], ascending=order.ascending)
