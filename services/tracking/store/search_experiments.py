"""Searches experiments: composes one statement for a page of experiment ids."""

from collections.abc import Sequence
from typing import cast

from services.tracking.store.search import lifecycle, parse_experiment_id
from shared.contracts.experiments import SearchExperiments
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity, OrderBy
from shared.mlflow.search.grammars import EXPERIMENTS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_text, exists
from shared.mlflow.search.statement import Connection, Page, Statement, fetch_page

_NEWEST_FIRST = (
    OrderBy(Entity.ATTRIBUTE, "creation_time", ascending=False),
    OrderBy(Entity.ATTRIBUTE, "experiment_id", ascending=True),
)
# If the client asks for an order, MLflow breaks ties by descending ids.
_TIE_BREAKER = OrderBy(Entity.ATTRIBUTE, "experiment_id", ascending=False)


async def search_experiment_ids(
    connection: Connection, project: int, query: SearchExperiments
) -> Page[int]:
    """Return a page of experiment ids, by default newest first.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = check_max_results(query.max_results)
    comparisons = parse_filter(query.filter, EXPERIMENTS)
    orders = parse_order_by(query.order_by, EXPERIMENTS)
    statement = Statement("e.experiment_id", "experiments e")
    statement.where(f"e.project_id = {statement.bindings.add(project, 'bigint')}")
    statement.conditions += lifecycle("e", query.view_type)
    for comparison in comparisons:
        statement.where(_condition(comparison, statement.bindings))
    statement.terms += _terms((*orders, _TIE_BREAKER) if orders else _NEWEST_FIRST)
    search = Search("experiments", query.filter or "", tuple(query.order_by))
    page = await fetch_page(connection, statement, search, query.page_token, limit)
    return cast("Page[int]", page)


def _condition(comparison: Comparison, bindings: Bindings) -> str:
    key, comparator, value = comparison.key, comparison.comparator, comparison.value
    if comparison.entity is Entity.TAG:
        return _tag(comparison, bindings)
    if key == "experiment_id":
        return _experiment_id(comparison, bindings)
    if key in EXPERIMENTS.numeric:
        return compare_integer(f"e.{key}", comparator, value, bindings)
    return compare_text(f"e.{key}", comparator, value, bindings)


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
    column = f"e.{order.key}"
    if order.key == "name":
        return keyset.text(column, ascending=order.ascending)
    return keyset.integer(column, ascending=order.ascending)
