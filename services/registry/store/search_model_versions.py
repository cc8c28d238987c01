"""Searches model versions: composes one statement for a page of their keys."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from services.registry.store import prompts
from services.registry.store.model_versions import VersionKey
from shared.contracts.model_versions import SearchModelVersions
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparison, Entity, OrderBy
from shared.mlflow.search.grammars import MODEL_VERSIONS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_text, exists
from shared.mlflow.search.statement import Connection, Page, Statement, fetch_page

DEFAULT_PAGE = 10_000
LARGEST_PAGE = 200_000

_TEXT_COLUMNS: Final = {"name": "m.name", "run_id": "v.run_id", "source_path": "v.source"}
_NUMBER = "version_number"
_NUMBER_COLUMNS: Final = {
    "creation_timestamp": "v.creation_time",
    "last_updated_timestamp": "v.last_updated_time",
}
_LAST_CHANGED_FIRST = (OrderBy(Entity.ATTRIBUTE, "last_updated_timestamp", ascending=False),)
# Both together are unique, so every order ends with them.
_TIE_BREAKERS = (
    OrderBy(Entity.ATTRIBUTE, "name", ascending=True),
    OrderBy(Entity.ATTRIBUTE, _NUMBER, ascending=False),
)


async def search_model_version_keys(
    connection: Connection, project: int, query: SearchModelVersions, number_column: str
) -> Page[VersionKey]:
    """Return a page of version keys, by default the last changed first.

    ``number_column`` is the column with the dialect's names of versions; for prompts it is always
    ``version``. Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client.
    """
    limit = check_max_results(query.max_results, DEFAULT_PAGE, LARGEST_PAGE)
    comparisons = parse_filter(query.filter, MODEL_VERSIONS)
    orders = parse_order_by(query.order_by, MODEL_VERSIONS)
    statement = Statement(
        "(v.registered_model_id, v.version)",
        "model_versions v JOIN registered_models m"
        " ON m.project_id = v.project_id AND m.registered_model_id = v.registered_model_id",
    )
    statement.where(f"v.project_id = {statement.bindings.add(project, 'bigint')}")
    with_prompts, wanted = prompts.visible(comparisons)
    if not with_prompts:
        # One version with the tag hides the others of its model, as in MLflow.
        statement.where(prompts.hidden("model_version_tags", "m"))
    number = "version" if with_prompts else number_column
    columns = {**_NUMBER_COLUMNS, _NUMBER: f"v.{number}"}
    for comparison in wanted:
        statement.where(_condition(comparison, columns, statement.bindings))
    statement.terms += _terms((*(orders or _LAST_CHANGED_FIRST), *_TIE_BREAKERS), columns)
    search = Search("model_versions", query.filter or "", tuple(query.order_by))
    page = await fetch_page(connection, statement, search, query.page_token, limit)
    return cast("Page[VersionKey]", page)


def _condition(comparison: Comparison, columns: Mapping[str, str], bindings: Bindings) -> str:
    comparator, value = comparison.comparator, comparison.value
    if comparison.entity is Entity.TAG:
        return exists(
            "model_version_tags f WHERE f.project_id = v.project_id"
            " AND f.registered_model_id = v.registered_model_id AND f.version = v.version"
            f" AND f.key = {bindings.add(comparison.key, 'text')}"
            f" AND {compare_text('f.value', comparator, value, bindings)}"
        )
    if comparison.key in columns:
        return compare_integer(columns[comparison.key], comparator, value, bindings)
    return compare_text(_TEXT_COLUMNS[comparison.key], comparator, value, bindings)


def _terms(orders: Sequence[OrderBy], columns: Mapping[str, str]) -> list[Term]:
    """Return the ordering terms, each key once."""
    terms: dict[str, Term] = {}
    for order in orders:
        if order.key not in terms:
            (terms[order.key],) = _term(order, columns)
    return list(terms.values())


def _term(order: OrderBy, columns: Mapping[str, str]) -> tuple[Term, ...]:
    if order.key == "name":
        return keyset.c_text("m.name", ascending=order.ascending)
    return keyset.integer(columns[order.key], ascending=order.ascending)
