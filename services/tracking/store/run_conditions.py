"""The exact condition of each clause of a filter, on a row ``r`` of runs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.mlflow.search import keyset
from shared.mlflow.search.ast import Comparator, Comparison, Entity, OrderBy
from shared.mlflow.search.grammars import RUNS
from shared.mlflow.search.keyset import Term
from shared.mlflow.search.sql import Bindings, compare_integer, compare_metric, compare_text, exists

TEXT_COLUMNS: Final = {
    "run_name": "r.name",
    "user_id": "r.user_id",
    "status": "r.status",
    "artifact_uri": "r.artifact_uri",
}
DATASET_CONTEXT = "mlflow.data.context"
"""MLflow's tag for the role of a dataset, for example "training"."""

_TABLES: Final = {
    Entity.METRIC: "latest_metrics",
    Entity.PARAM: "params",
    Entity.TAG: "tags",
}
_RUN_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Owner:
    """The expressions of the project and the run id that a metric, param or tag belongs to."""

    project: str = "r.project_id"
    run_id: str = "r.run_id"

    def rows(self, entity: Entity, key: str) -> str:
        """Return the text after FROM for the rows with a key; ``key`` is a comparison, such as `= $1`."""
        return (
            f"{_TABLES[entity]} f WHERE f.project_id = {self.project}"
            f" AND f.run_id = {self.run_id} AND f.key {key}"
        )


RUN: Final = Owner()

MOST_LOOK_UPS: Final = 20
"""Metrics that are looked up one by one. The first that does not satisfy its clauses saves the others."""


def conditions(comparisons: Sequence[Comparison], bindings: Bindings) -> list[str]:
    """Return the conditions that a run satisfies clauses."""
    keyed = [each for each in comparisons if each.entity in _TABLES]
    others = [each for each in comparisons if each.entity not in _TABLES]
    return [
        *(_condition(each, bindings) for each in others),
        *keyed_conditions(keyed, RUN, bindings),
    ]


def keyed_conditions(
    comparisons: Sequence[Comparison], owner: Owner, bindings: Bindings
) -> list[str]:
    """Return the conditions on metrics, params and tags, one for all clauses of a key."""
    groups = by_key(comparisons)
    metrics = [each for each in groups if each[0].entity is Entity.METRIC]
    if len(metrics) <= MOST_LOOK_UPS:
        return [_keyed(each, owner, bindings) for each in groups]
    others = [_keyed(each, owner, bindings) for each in groups if each not in metrics]
    return [*others, _all_metrics(metrics, owner, bindings)]


def by_key(comparisons: Sequence[Comparison]) -> list[Sequence[Comparison]]:
    """Return the clauses of a metric, param or tag together, and each other clause, and each IS NULL, alone.

    A run has one value of a key. So it is looked up once, however many clauses it must satisfy.
    """
    groups: dict[tuple[Entity, str, int], list[Comparison]] = {}
    for index, each in enumerate(comparisons):
        alone = each.entity not in _TABLES or each.comparator is Comparator.IS_NULL
        groups.setdefault((each.entity, each.key, index if alone else -1), []).append(each)
    return list(groups.values())


def _condition(comparison: Comparison, bindings: Bindings) -> str:
    if comparison.entity is Entity.ATTRIBUTE:
        return _attribute(comparison, bindings)
    return _dataset(comparison, bindings)


def _keyed(group: Sequence[Comparison], owner: Owner, bindings: Bindings) -> str:
    """Return the condition on a metric, param or tag (``by_key``). A run without it satisfies IS NULL alone."""
    first = group[0]
    found = owner.rows(first.entity, f"= {bindings.add(first.key, 'text')}")
    if first.comparator is Comparator.IS_NULL:
        return f"NOT {exists(found)}"
    return exists(" AND ".join([found, *_values(group, bindings)]))


def _values(group: Sequence[Comparison], bindings: Bindings) -> list[str]:
    """Return the conditions on the value of a key."""
    compare = compare_metric if group[0].entity is Entity.METRIC else compare_text
    return [
        compare("f.value", each.comparator, each.value, bindings)
        for each in group
        if each.comparator is not Comparator.IS_NOT_NULL
    ]


def _all_metrics(groups: Sequence[Sequence[Comparison]], owner: Owner, bindings: Bindings) -> str:
    """Return the condition on many metrics, by one pass over them. It takes a third of the time of a look-up each."""
    keys = bindings.add([group[0].key for group in groups], "text[]")
    cases = " ".join(
        f"WHEN {bindings.add(group[0].key, 'text')} THEN {' AND '.join(_values(group, bindings))}"
        for group in groups
    )
    found = owner.rows(Entity.METRIC, f"= ANY({keys})")
    return f"(SELECT count(*) FROM {found} AND CASE f.key {cases} ELSE false END) = {len(groups)}"


def _attribute(comparison: Comparison, bindings: Bindings) -> str:
    key, comparator, value = comparison.key, comparison.comparator, comparison.value
    if key == "run_id":
        return _run_id(comparison, bindings)
    if key in RUNS.numeric:
        return compare_integer(f"r.{key}", comparator, value, bindings)
    return compare_text(TEXT_COLUMNS[key], comparator, value, bindings)


def _run_id(comparison: Comparison, bindings: Bindings) -> str:
    """Compare run ids as clients write them: 32 hexadecimal digits. LIKE and ILIKE can't use an index."""
    comparator, value = comparison.comparator, comparison.value
    if comparator in (Comparator.LIKE, Comparator.ILIKE):
        return compare_text("replace(r.run_id::text, '-', '')", comparator, value, bindings)
    bound = bindings.add(run_ids(comparison), "uuid[]")
    if comparator in (Comparator.EQ, Comparator.IN):
        return f"r.run_id = ANY({bound})"
    return f"r.run_id <> ALL({bound})"


def run_ids(comparison: Comparison) -> list[UUID]:
    """Return the run ids that a clause names. A text that is no run id is equal to none, and is left out."""
    value = comparison.value
    wanted = value if isinstance(value, tuple) else (str(value),)
    return [UUID(text) for text in wanted if _RUN_ID.fullmatch(text)]


def _dataset(comparison: Comparison, bindings: Bindings) -> str:
    """Compare a property of the run's datasets; one of them must satisfy the clause.

    As in MLflow, each clause stands alone: different datasets may satisfy different clauses.
    """
    if comparison.key == "context":
        source = (
            "run_input_tags d WHERE d.project_id = r.project_id AND d.run_id = r.run_id"
            f" AND d.key = '{DATASET_CONTEXT}'"
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


def ordering(orders: Sequence[OrderBy], bindings: Bindings) -> tuple[str, tuple[Term, ...]]:
    """Return joins to ``r`` and the ordering terms: the requested ones, then newest first, then the run id."""
    joins = ""
    terms: tuple[Term, ...] = ()
    for index, order in enumerate(orders):
        value = TEXT_COLUMNS.get(order.key, f"r.{order.key}")
        if order.entity is not Entity.ATTRIBUTE:
            joins += _joined_value(order, f"o{index}", bindings)
            value = f"o{index}.value"
        terms += value_terms(order, value)
        # The run id is unique, so later terms have no effect.
        if order.key == "run_id" and order.entity is Entity.ATTRIBUTE:
            return joins, terms
    return joins, terms + closing_terms(orders)


def closing_terms(orders: Sequence[OrderBy], alias: str = "r") -> tuple[Term, ...]:
    """Return the terms that follow the requested ones, by the columns of ``alias``."""
    run_id = keyset.uuid(f"{alias}.run_id", ascending=True)
    if any(order.key == "start_time" for order in orders if order.entity is Entity.ATTRIBUTE):
        return run_id
    return keyset.integer(f"{alias}.start_time", ascending=False) + run_id


def value_terms(order: OrderBy, value: str, alias: str = "r") -> tuple[Term, ...]:
    """Return the terms of one requested order.

    ``value`` is the expression that it sorts by, unless that is the start time or the run id of ``alias``.
    """
    ascending = order.ascending
    if order.entity is Entity.METRIC:
        return keyset.metric(value, ascending=ascending)
    if order.entity is not Entity.ATTRIBUTE:
        return keyset.text(value, ascending=ascending)
    if order.key == "run_id":
        return keyset.uuid(f"{alias}.run_id", ascending=ascending)
    if order.key == "start_time":
        return keyset.integer(f"{alias}.start_time", ascending=ascending)
    if order.key == "end_time":
        return keyset.nullable_integer(value, ascending=ascending)
    return keyset.text(value, ascending=ascending)


def _joined_value(order: OrderBy, alias: str, bindings: Bindings) -> str:
    """Return the join that gives a run's metric, param or tag the name ``alias.value``."""
    found = RUN.rows(order.entity, f"= {bindings.add(order.key, 'text')}")
    # OFFSET 0 as in `exists`.
    return f"\nLEFT JOIN LATERAL (SELECT f.value FROM {found} OFFSET 0) {alias} ON true"
