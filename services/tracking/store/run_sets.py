"""The runs that a clause may find, as an index gives them: what a search starts from.

A set is a SELECT of `run_id, start_time`. It has every run that satisfies the clause, and may have some more: of a
text that is too long for the index, and of a run that is not folded any more. So each run that is found in a set is
compared exactly (``run_conditions``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.tracking.store.run_conditions import run_ids
from shared.mlflow.search.ast import Comparator, Comparison, Entity, OrderBy
from shared.mlflow.search.candidates import SHORT, compare_indexed, literal_prefix
from shared.mlflow.search.grammars import RUNS
from shared.mlflow.search.sql import Bindings, compare_integer, compare_metric, compare_text

TABLES: Final = {
    Entity.METRIC: "newest_metrics",
    Entity.PARAM: "params",
    Entity.TAG: "tags",
}
HEADS: Final = {"run_name": "name_head", "user_id": "user_head", "status": "status"}
"""Attributes that are texts, and their columns in the index of runs."""

ATTRIBUTES: Final = {**HEADS, "end_time": "end_time"}
"""Attributes that are in the index of runs without being part of its order, and their columns."""

_NARROW: Final = (Comparator.EQ, Comparator.LT, Comparator.LE, Comparator.GT, Comparator.GE)


@dataclass(frozen=True, slots=True)
class Scope:
    """The experiments of a project that are searched."""

    project: int
    experiments: Sequence[int]

    def where(self, alias: str, bindings: Bindings) -> str:
        """Return the condition that a row with `project_id` and `experiment_id` is in the scope."""
        project = f"{alias}.project_id = {self.bind_project(bindings)}"
        bound = self._bind_experiments(bindings)
        if len(self.experiments) == 1:
            return f"{project} AND {alias}.experiment_id = {bound}"
        return f"{project} AND {alias}.experiment_id = ANY({bound})"

    def contains(self, alias: str, bindings: Bindings) -> str:
        """Return the same condition for rows that were found in another way than by it."""
        if len(self.experiments) == 1:
            return self.where(alias, bindings)
        # PostgreSQL hashes the ids once. An array it would search for every row.
        return (
            f"{alias}.project_id = {self.bind_project(bindings)}"
            f" AND {alias}.experiment_id IN (SELECT unnest({self._bind_experiments(bindings)}))"
        )

    def bind_project(self, bindings: Bindings) -> str:
        """Return the placeholder of the project."""
        return bindings.give("project", self.project, "bigint")

    def _bind_experiments(self, bindings: Bindings) -> str:
        """Return the placeholder of the experiment, or of the array of them if there are several."""
        sql_type = "bigint" if len(self.experiments) == 1 else "bigint[]"
        return bindings.give("experiments", self.bound_experiments, sql_type)

    @property
    def bound_experiments(self) -> int | Sequence[int]:
        """The value that is bound to that placeholder."""
        return self.experiments[0] if len(self.experiments) == 1 else self.experiments

    def numbered(self, alias: str, bindings: Bindings) -> str:
        """Return the condition that a row with `experiment_number` is in the scope."""
        numbers = f"SELECT x.experiment_number FROM experiments x WHERE {self.where('x', bindings)}"
        if len(self.experiments) == 1:
            return f"{alias}.experiment_number = ({numbers})"
        return f"{alias}.experiment_number = ANY(ARRAY({numbers}))"

    def runs(self, bindings: Bindings, *extra: str) -> str:
        """Return the set of all runs; ``extra`` are more columns of its table ``s``."""
        columns = ", ".join(("s.run_id", "s.start_time", *extra))
        return f"SELECT {columns} FROM runs s WHERE {self.where('s', bindings)}"


def is_narrow(comparison: Comparison) -> bool:
    """Tell whether an index leads straight to the runs of a clause, so that few of them are found in no time."""
    entity, comparator = comparison.entity, comparison.comparator
    if entity in TABLES:
        return comparator in _NARROW or (
            comparator is Comparator.LIKE and bool(literal_prefix(str(comparison.value)))
        )
    if entity is Entity.DATASET:
        return comparison.key != "context" and comparator in (Comparator.EQ, Comparator.IN)
    if comparison.key == "run_id":
        return comparator in (Comparator.EQ, Comparator.IN)
    return comparison.key == "start_time" and comparator in _NARROW


def is_exact(comparison: Comparison) -> bool:
    """Tell whether the set of a clause has no other run than those that satisfy it, if these runs are folded."""
    if comparison.entity is Entity.METRIC:
        return True
    short = len(str(comparison.value)) < SHORT
    return comparison.entity in TABLES and comparison.comparator is Comparator.EQ and short


def candidates(group: Sequence[Comparison], scope: Scope, bindings: Bindings) -> str | None:
    """Return the set of a clause, or of all clauses of a key (``by_key``); None if no index has one."""
    comparison = group[0]
    if comparison.entity in TABLES:
        return _keyed(group, scope, bindings)
    if comparison.entity is Entity.DATASET:
        return _dataset(comparison, scope, bindings)
    return _attribute(comparison, scope, bindings)


def matches(comparison: Comparison, alias: str, bindings: Bindings) -> str:
    """Return the condition that a row of the index of a metric, param or tag satisfies a clause of this key."""
    comparator, value = comparison.comparator, comparison.value
    if comparator is Comparator.IS_NOT_NULL:
        return "true"
    if comparison.entity is Entity.METRIC:
        return compare_metric(f"{alias}.value", comparator, value, bindings)
    return compare_indexed(f"{alias}.value", comparator, value, bindings)


def with_key(entity: Entity, key: str, scope: Scope, bindings: Bindings, *extra: str) -> str:
    """Return the set of runs with a metric, or a param or tag that is not too long for the index."""
    columns = ", ".join(("s.run_id", "s.start_time", *extra))
    short = "" if entity is Entity.METRIC else f" AND {is_short('s')}"
    return (
        f"SELECT {columns} FROM {TABLES[entity]} s"
        f" WHERE {scope.numbered('s', bindings)} AND s.key = {bindings.add(key, 'text')}{short}"
    )


def with_long(entity: Entity, key: str, scope: Scope, bindings: Bindings, *extra: str) -> str:
    """Return the set of runs with a param or tag that is too long for the index."""
    columns = ", ".join(("s.run_id", "s.start_time", *extra))
    return (
        f"SELECT {columns} FROM {TABLES[entity]} s"
        f" WHERE {scope.numbered('s', bindings)} AND s.key = {bindings.add(key, 'text')}"
        f" AND char_length(s.value) >= {SHORT}"
    )


def is_short(alias: str) -> str:
    """Return the condition that a param or tag is in the index of values."""
    return f"char_length({alias}.value) < {SHORT}"


def values_of(order: OrderBy, scope: Scope, bindings: Bindings) -> str:
    """Return the runs with the metric, param or tag that an order sorts by, as a column `value`.

    A text of ``SHORT`` characters is a longer one that was cut off.
    """
    short = with_key(order.entity, order.key, scope, bindings, "s.value AS value")
    if order.entity is Entity.METRIC:
        return short
    cut = f"left(s.value, {SHORT}) AS value"
    long = with_long(order.entity, order.key, scope, bindings, cut)
    return f"{short} UNION ALL {long}"


def _keyed(group: Sequence[Comparison], scope: Scope, bindings: Bindings) -> str | None:
    entity, key = group[0].entity, group[0].key
    if group[0].comparator is Comparator.IS_NULL:
        return None
    matched = [matches(each, "s", bindings) for each in group]
    short = " AND ".join([with_key(entity, key, scope, bindings), *matched])
    if any(is_exact(each) for each in group):
        return short
    return f"{short} UNION ALL {with_long(entity, key, scope, bindings)}"


def _dataset(comparison: Comparison, scope: Scope, bindings: Bindings) -> str | None:
    """Return the runs that read a dataset. No index has the context of a dataset."""
    if comparison.key == "context":
        return None
    value = compare_text(f"d.{comparison.key}", comparison.comparator, comparison.value, bindings)
    # OFFSET 0 as in `exists`.
    return (
        "SELECT DISTINCT s.run_id, s.start_time FROM datasets d"
        " CROSS JOIN LATERAL (SELECT i.run_id FROM run_inputs i"
        " WHERE i.project_id = d.project_id AND i.dataset_id = d.dataset_id OFFSET 0) i"
        " CROSS JOIN LATERAL (SELECT * FROM runs WHERE runs.project_id = d.project_id"
        " AND runs.run_id = i.run_id OFFSET 0) s"
        f" WHERE {scope.where('d', bindings)} AND {value}"
    )


def _attribute(comparison: Comparison, scope: Scope, bindings: Bindings) -> str | None:
    key, comparator, value = comparison.key, comparison.comparator, comparison.value
    if key in HEADS:
        # The name and the user themselves, which are compared exactly, are not in the collation "C".
        column = f's.{HEADS[key]} COLLATE "default"'
        found = compare_indexed(column, comparator, value, bindings)
        compared = f"({found} OR char_length({column}) = {SHORT})"
    elif key in RUNS.numeric:
        compared = compare_integer(f"s.{key}", comparator, value, bindings)
    elif key == "run_id" and comparator in (Comparator.EQ, Comparator.IN):
        compared = f"s.run_id = ANY({bindings.add(run_ids(comparison), 'uuid[]')})"
    else:
        return None
    return f"{scope.runs(bindings)} AND {compared}"
