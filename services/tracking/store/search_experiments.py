"""Searches experiments: finds a page of experiment ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from services.tracking.store.search import lifecycle, parse_experiment_id
from shared.contracts.experiments import SearchExperiments
from shared.contracts.views import ViewType
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity, OrderBy
from shared.mlflow.search.bounded import Budget, Clause, Listing, Wanted, fetch_bounded
from shared.mlflow.search.candidates import (
    Source,
    integer_set,
    is_narrow,
    long_text_set,
    text_set,
)
from shared.mlflow.search.grammars import EXPERIMENTS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_text, exists
from shared.mlflow.search.statement import Connection, Page

_NEWEST_FIRST = (
    OrderBy(Entity.ATTRIBUTE, "creation_time", ascending=False),
    OrderBy(Entity.ATTRIBUTE, "experiment_id", ascending=True),
)
# If the client asks for an order, MLflow breaks ties by descending ids.
_TIE_BREAKER = OrderBy(Entity.ATTRIBUTE, "experiment_id", ascending=False)


async def search_experiment_ids(
    connection: Connection, project: int, query: SearchExperiments, budget: Budget | None = None
) -> Page[int]:
    """Return a page of experiment ids, by default newest first.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = check_max_results(query.max_results)
    comparisons = parse_filter(query.filter, EXPERIMENTS)
    orders = parse_order_by(query.order_by, EXPERIMENTS)
    listing = Listing(
        table="experiments",
        alias="e",
        key=("experiment_id",),
        column="e.experiment_id",
        scope=lambda bindings: f"e.project_id = {bindings.add(project, 'bigint')}",
        clauses=[
            *(_Comparing(project, each).clause for each in comparisons),
            *_of_view(project, query.view_type),
        ],
        terms=_terms((*orders, _TIE_BREAKER) if orders else _NEWEST_FIRST),
    )
    search = Search("experiments", query.filter or "", tuple(query.order_by))
    wanted_page = Wanted(search, query.page_token, limit)
    page = await fetch_bounded(connection, listing, wanted_page, budget)
    return cast("Page[int]", page)


def _of_view(project: int, view_type: ViewType) -> list[Clause]:
    """Return the clause of a view type, if it leaves any experiments out."""
    return [
        Clause(partial(_constant, condition), partial(_experiments_with, project, condition))
        for condition in lifecycle("e", view_type)
    ]


def _constant(condition: str, _: Bindings) -> str:
    return condition


def _experiments_with(project: int, condition: str, bindings: Bindings) -> str:
    scope = f"e.project_id = {bindings.add(project, 'bigint')}"
    return Source("experiments e", "e.experiment_id", scope).where(condition)


@dataclass(frozen=True, slots=True)
class _Comparing:
    """A comparison of the experiments of a project, as SQL."""

    project: int
    comparison: Comparison

    @property
    def clause(self) -> Clause:
        """Return the condition and the set."""
        on = "" if self.comparison.entity is Entity.TAG else f"e.{self.comparison.key}"
        return Clause(self._condition, self._candidates, is_narrow(self.comparison), on)

    def _condition(self, bindings: Bindings) -> str:
        comparison = self.comparison
        key, comparator, value = comparison.key, comparison.comparator, comparison.value
        if comparison.entity is Entity.TAG:
            return _tag(comparison, bindings)
        if key == "experiment_id":
            return _experiment_id(comparison, bindings)
        if key in EXPERIMENTS.numeric:
            return compare_integer(f"e.{key}", comparator, value, bindings)
        return compare_text(f"e.{key}", comparator, value, bindings)

    def _candidates(self, bindings: Bindings) -> str:
        comparison = self.comparison
        project = bindings.add(self.project, "bigint")
        experiments = Source("experiments e", "e.experiment_id", f"e.project_id = {project}")
        if comparison.entity is Entity.TAG:
            scope = f"f.project_id = {project} AND f.key = {bindings.add(comparison.key, 'text')}"
            tags = Source("experiment_tags f", "f.experiment_id", scope)
            if comparison.comparator is Comparator.IS_NULL:
                return f"{experiments.where()} EXCEPT {tags.where()}"
            return long_text_set(tags, "f.value", comparison, bindings)
        if comparison.key == "experiment_id":
            return experiments.where(_experiment_id(comparison, bindings))
        if comparison.key in EXPERIMENTS.numeric:
            return integer_set(experiments, f"e.{comparison.key}", comparison, bindings)
        return text_set(experiments, "e.name", comparison, bindings)


def _experiment_id(comparison: Comparison, bindings: Bindings) -> str:
    value = comparison.value
    wanted = value if isinstance(value, tuple) else (str(value),)
    bound = bindings.add([parse_experiment_id(text) for text in wanted], "bigint[]")
    if comparison.comparator in (Comparator.EQ, Comparator.IN):
        return f"e.experiment_id = ANY({bound})"
    return f"e.experiment_id <> ALL({bound})"


def _tag(comparison: Comparison, bindings: Bindings) -> str:
    """Compare a tag. An experiment without it satisfies IS NULL alone."""
    found = (
        "experiment_tags f"
        " WHERE f.project_id = e.project_id AND f.experiment_id = e.experiment_id"
        f" AND f.key = {bindings.add(comparison.key, 'text')}"
    )
    if comparison.comparator is Comparator.IS_NULL:
        return f"NOT {exists(found)}"
    if comparison.comparator is Comparator.IS_NOT_NULL:
        return exists(found)
    value = compare_text("f.value", comparison.comparator, comparison.value, bindings)
    return exists(f"{found} AND {value}")


def _terms(orders: Sequence[OrderBy]) -> list[Term]:
    """Return the ordering terms up to the id. Ids are unique, so later terms have no effect."""
    terms: list[Term] = []
    for order in orders:
        terms += _term(order)
        if order.key == "experiment_id":
            break
    return terms


def _term(order: OrderBy) -> tuple[Term, ...]:
    if order.key == "name":
        return keyset.c_text('e.name COLLATE "C"', ascending=order.ascending)
    return keyset.integer(f"e.{order.key}", ascending=order.ascending)
