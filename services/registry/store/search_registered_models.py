"""Searches registered models: composes one statement for a page of their ids."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from services.registry.store import prompts
from shared.contracts.registered_models import SearchRegisteredModels
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparison, Entity, OrderBy
from shared.mlflow.search.grammars import REGISTERED_MODELS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_text, exists
from shared.mlflow.search.statement import Connection, Page, Statement, fetch_page

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000

_BY_NAME = OrderBy(Entity.ATTRIBUTE, "name", ascending=True)


async def search_registered_model_ids(
    connection: Connection, project: int, query: SearchRegisteredModels
) -> Page[UUID]:
    """Return a page of model ids, by default in the order of the names.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = check_max_results(query.max_results, DEFAULT_PAGE, LARGEST_PAGE)
    comparisons = parse_filter(query.filter, REGISTERED_MODELS)
    orders = parse_order_by(query.order_by, REGISTERED_MODELS)
    statement = Statement("m.registered_model_id", "registered_models m")
    statement.where(f"m.project_id = {statement.bindings.add(project, 'bigint')}")
    with_prompts, wanted = prompts.visible(comparisons)
    if not with_prompts:
        statement.where(prompts.hidden("registered_model_tags", "m"))
    for comparison in wanted:
        statement.where(_condition(comparison, statement.bindings))
    statement.terms += _terms((*orders, _BY_NAME))
    search = Search("registered_models", query.filter or "", tuple(query.order_by))
    page = await fetch_page(connection, statement, search, query.page_token, limit)
    return cast("Page[UUID]", page)


def _condition(comparison: Comparison, bindings: Bindings) -> str:
    comparator, value = comparison.comparator, comparison.value
    if comparison.entity is Entity.ATTRIBUTE:
        return compare_text("m.name", comparator, value, bindings)
    return exists(
        "registered_model_tags f WHERE f.project_id = m.project_id AND f.registered_model_id = m.registered_model_id"
        f" AND f.key = {bindings.add(comparison.key, 'text')}"
        f" AND {compare_text('f.value', comparator, value, bindings)}"
    )


def _terms(orders: Sequence[OrderBy]) -> list[Term]:
    """Return the ordering terms up to the name. Names are unique, so later terms have no effect."""
    terms: list[Term] = []
    for order in orders:
        if order.key == "name":
            terms += keyset.c_text("m.name", ascending=order.ascending)
            break
        terms += keyset.integer("m.last_updated_time", ascending=order.ascending)
    return terms
