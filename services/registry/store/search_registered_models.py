"""Searches registered models: finds a page of their ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from services.registry.store import prompts
from shared.contracts.registered_models import SearchRegisteredModels
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparison, Entity, OrderBy
from shared.mlflow.search.bounded import Budget, Clause, Listing, Wanted, fetch_bounded
from shared.mlflow.search.candidates import Source, is_narrow, long_text_set, text_set
from shared.mlflow.search.grammars import REGISTERED_MODELS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_text, exists
from shared.mlflow.search.statement import Connection, Page

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000

_BY_NAME = OrderBy(Entity.ATTRIBUTE, "name", ascending=True)


async def search_registered_model_ids(
    connection: Connection,
    project: int,
    query: SearchRegisteredModels,
    budget: Budget | None = None,
) -> Page[UUID]:
    """Return a page of model ids, by default in the order of the names.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = check_max_results(query.max_results, DEFAULT_PAGE, LARGEST_PAGE)
    comparisons = parse_filter(query.filter, REGISTERED_MODELS)
    orders = parse_order_by(query.order_by, REGISTERED_MODELS)
    with_prompts, wanted = prompts.visible(comparisons)
    clauses = [_Comparing(project, each).clause for each in wanted]
    if not with_prompts:
        clauses.append(Clause(lambda _: prompts.hidden("registered_model_tags", "m")))
    listing = Listing(
        table="registered_models",
        alias="m",
        key=("registered_model_id",),
        column="m.registered_model_id",
        scope=lambda bindings: f"m.project_id = {bindings.add(project, 'bigint')}",
        clauses=clauses,
        terms=_terms((*orders, _BY_NAME)),
    )
    search = Search("registered_models", query.filter or "", tuple(query.order_by))
    wanted_page = Wanted(search, query.page_token, limit)
    page = await fetch_bounded(connection, listing, wanted_page, budget)
    return cast("Page[UUID]", page)


@dataclass(frozen=True, slots=True)
class _Comparing:
    """A comparison of the models of a project, as SQL."""

    project: int
    comparison: Comparison

    @property
    def clause(self) -> Clause:
        """Return the condition and the set."""
        on = "m.name" if self.comparison.entity is Entity.ATTRIBUTE else ""
        return Clause(self._condition, self._candidates, is_narrow(self.comparison), on)

    def _condition(self, bindings: Bindings) -> str:
        comparison = self.comparison
        comparator, value = comparison.comparator, comparison.value
        if comparison.entity is Entity.ATTRIBUTE:
            return compare_text("m.name", comparator, value, bindings)
        return exists(
            "registered_model_tags f WHERE f.project_id = m.project_id"
            " AND f.registered_model_id = m.registered_model_id"
            f" AND f.key = {bindings.add(comparison.key, 'text')}"
            f" AND {compare_text('f.value', comparator, value, bindings)}"
        )

    def _candidates(self, bindings: Bindings) -> str:
        comparison = self.comparison
        project = bindings.add(self.project, "bigint")
        if comparison.entity is Entity.ATTRIBUTE:
            scope = f"m.project_id = {project}"
            source = Source("registered_models m", "m.registered_model_id", scope)
            return text_set(source, "m.name", comparison, bindings)
        scope = f"f.project_id = {project} AND f.key = {bindings.add(comparison.key, 'text')}"
        source = Source("registered_model_tags f", "f.registered_model_id", scope)
        return long_text_set(source, "f.value", comparison, bindings)


def _terms(orders: Sequence[OrderBy]) -> list[Term]:
    """Return the ordering terms up to the name. Names are unique, so later terms have no effect."""
    terms: list[Term] = []
    for order in orders:
        if order.key == "name":
            terms += keyset.c_text("m.name", ascending=order.ascending)
            break
        terms += keyset.integer("m.last_updated_time", ascending=order.ascending)
    return terms
