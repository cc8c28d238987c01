"""Searches runs: composes one statement for a page of run ids."""

import re
from collections.abc import Sequence
from typing import Final, cast
from uuid import UUID

from services.tracking.store.search import lifecycle, parse_experiment_id
from shared.contracts.runs import SearchRuns
from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity, OrderBy
from shared.mlflow.search.grammars import RUNS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import Search
from shared.mlflow.search.parser import parse_filter
from shared.mlflow.search.sql import Bindings, compare_integer, compare_metric, compare_text, exists
from shared.mlflow.search.statement import Connection, Page, Statement, fetch_page

_TABLES: Final = {
    Entity.METRIC: "latest_metrics",
    Entity.PARAM: "params",
    Entity.TAG: "tags",
}
_TEXT_COLUMNS: Final = {
    "run_name": "r.name",
    "user_id": "r.user_id",
    "status": "r.status",
    "artifact_uri": "r.artifact_uri",
}
# MLflow's tag for the role of a dataset, for example "training".
_DATASET_CONTEXT = "mlflow.data.context"
_RUN_ID = re.compile("[0-9a-f]{32}")


async def search_run_ids(connection: Connection, project: int, query: SearchRuns) -> Page[UUID]:
    """Return a page of run ids, by default newest first.

    Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client, even if it names no
    experiments.
    """
    limit = check_max_results(query.max_results)
    comparisons = parse_filter(query.filter, RUNS)
    orders = parse_order_by(query.order_by, RUNS)
    experiments = [parse_experiment_id(value) for value in query.experiment_ids]
    if not experiments:
        return Page([])
    statement = Statement("r.run_id", "runs r")
    _scope(statement, project, experiments)
    statement.conditions += lifecycle("r", query.run_view_type)
    for comparison in comparisons:
        statement.where(_condition(comparison, statement.bindings))
    _order(statement, orders)
    search = Search("runs", query.filter or "", tuple(query.order_by))
    page = await fetch_page(connection, statement, search, query.page_token, limit)
    return cast("Page[UUID]", page)


def _scope(statement: Statement, project: int, experiments: Sequence[int]) -> None:
    """Restrict to some experiments. With a single one, the index also gives the order."""
    bindings = statement.bindings
    statement.where(f"r.project_id = {bindings.add(project, 'bigint')}")
    if len(experiments) == 1:
        statement.where(f"r.experiment_id = {bindings.add(experiments[0], 'bigint')}")
    else:
        statement.where(f"r.experiment_id = ANY({bindings.add(experiments, 'bigint[]')})")


def _condition(comparison: Comparison, bindings: Bindings) -> str:
    if comparison.entity is Entity.ATTRIBUTE:
        return _attribute(comparison, bindings)
    if comparison.entity is Entity.DATASET:
        return _dataset(comparison, bindings)
    return _keyed(comparison, bindings)


def _attribute(comparison: Comparison, bindings: Bindings) -> str:
    key, comparator, value = comparison.key, comparison.comparator, comparison.value
    if key == "run_id":
        return _run_id(comparison, bindings)
    if key in RUNS.numeric:
        return compare_integer(f"r.{key}", comparator, value, bindings)
    return compare_text(_TEXT_COLUMNS[key], comparator, value, bindings)


def _run_id(comparison: Comparison, bindings: Bindings) -> str:
    """Compare run ids as clients write them: 32 hexadecimal digits. LIKE and ILIKE can't use an index."""
    comparator, value = comparison.comparator, comparison.value
    if comparator in (Comparator.LIKE, Comparator.ILIKE):
        return compare_text("replace(r.run_id::text, '-', '')", comparator, value, bindings)
    wanted = value if isinstance(value, tuple) else (str(value),)
    # Any other text is equal to no run id.
    ids = [UUID(text) for text in wanted if _RUN_ID.fullmatch(text)]
    bound = bindings.add(ids, "uuid[]")
    if comparator in (Comparator.EQ, Comparator.IN):
        return f"r.run_id = ANY({bound})"
    return f"r.run_id <> ALL({bound})"


def _keyed(comparison: Comparison, bindings: Bindings) -> str:
    """Compare a metric, param or tag. A run without it satisfies IS NULL alone."""
    found = _keyed_rows(comparison.entity, comparison.key, bindings)
    if comparison.comparator is Comparator.IS_NULL:
        return f"NOT {exists(found)}"
    if comparison.comparator is Comparator.IS_NOT_NULL:
        return exists(found)
    compare = compare_metric if comparison.entity is Entity.METRIC else compare_text
    value = compare("f.value", comparison.comparator, comparison.value, bindings)
    return exists(f"{found} AND {value}")


def _keyed_rows(entity: Entity, key: str, bindings: Bindings) -> str:
    """Return the text after FROM for the metric, param or tag of a run with a key."""
    return (
        f"{_TABLES[entity]} f WHERE f.project_id = r.project_id AND f.run_id = r.run_id"
        f" AND f.key = {bindings.add(key, 'text')}"
    )


def _dataset(comparison: Comparison, bindings: Bindings) -> str:
    """Compare a property of the run's datasets; one of them must satisfy the clause.

    As in MLflow, each clause stands alone: different datasets may satisfy different clauses.
    """
    if comparison.key == "context":
        source = (
            "run_input_tags d WHERE d.project_id = r.project_id AND d.run_id = r.run_id"
            f" AND d.key = '{_DATASET_CONTEXT}'"
        )
        column = "d.value"
    else:
        source = (
            "run_inputs i JOIN datasets d"
            " ON d.project_id = i.project_id AND d.dataset_id = i.dataset_id"
            " WHERE i.project_id = r.project_id AND i.run_id = r.run_id"
        )
        column = f"d.{comparison.key}"
    value = compare_text(column, comparison.comparator, comparison.value, bindings)
    return exists(f"{source} AND {value}")


def _order(statement: Statement, orders: Sequence[OrderBy]) -> None:
    """Add the ordering terms: the requested ones, then newest first, then the run id."""
    for index, order in enumerate(orders):
        statement.terms += _terms(statement, order, index)
        # The run id is unique, so later terms have no effect.
        if order.key == "run_id" and order.entity is Entity.ATTRIBUTE:
            return
    if not any(order.key == "start_time" for order in orders if order.entity is Entity.ATTRIBUTE):
        statement.terms += keyset.integer("r.start_time", ascending=False)
    statement.terms += keyset.uuid("r.run_id", ascending=True)


def _terms(statement: Statement, order: OrderBy, index: int) -> tuple[Term, ...]:
    ascending = order.ascending
    if order.entity is not Entity.ATTRIBUTE:
        alias = f"o{index}"
        value = f"f.value FROM {_keyed_rows(order.entity, order.key, statement.bindings)}"
        # OFFSET 0 as in `exists`.
        statement.source += f"\nLEFT JOIN LATERAL (SELECT {value} OFFSET 0) {alias} ON true"
        make = keyset.metric if order.entity is Entity.METRIC else keyset.text
        return make(f"{alias}.value", ascending=ascending)
    if order.key == "run_id":
        return keyset.uuid("r.run_id", ascending=ascending)
    if order.key == "start_time":
        return keyset.integer("r.start_time", ascending=ascending)
    if order.key == "end_time":
        return keyset.nullable_integer("r.end_time", ascending=ascending)
    return keyset.text(_TEXT_COLUMNS[order.key], ascending=ascending)
