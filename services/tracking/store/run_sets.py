"""The runs that a clause may find, as an index gives them: what a search starts from.

A set is a SELECT of `run_id, start_time`. It has every run that satisfies the clause, and may have some more: long
texts are compared by their first characters, and a run that is not folded may have a stale metric. So each run that is
found in a set is compared exactly (``run_conditions``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.tracking.store.run_conditions import run_ids
from shared.mlflow.search.ast import Comparator, Comparison, Entity, Value
from shared.mlflow.search.grammars import RUNS
from shared.mlflow.search.sql import Bindings, compare_integer, compare_metric, compare_text

HEAD = 250
"""Characters of a text that an index has (``left(value, 250)`` in the schema)."""

_KEYED: Final = {
    Entity.METRIC: "newest_metrics",
    Entity.PARAM: "params",
    Entity.TAG: "tags",
}
_HEADS: Final = {"run_name": "name_head", "user_id": "user_head", "status": "status"}
_LAST_CHARACTER: Final = "\U0010ffff"
_NARROW: Final = (Comparator.EQ, Comparator.LT, Comparator.LE, Comparator.GT, Comparator.GE)


@dataclass(frozen=True, slots=True)
class Scope:
    """The experiments of a project that are searched."""

    project: int
    experiments: Sequence[int]

    def where(self, alias: str, bindings: Bindings) -> str:
        """Return the condition that a row with `project_id` and `experiment_id` is in the scope."""
        project = f"{alias}.project_id = {bindings.add(self.project, 'bigint')}"
        if len(self.experiments) == 1:
            bound = bindings.add(self.experiments[0], "bigint")
            return f"{project} AND {alias}.experiment_id = {bound}"
        bound = bindings.add(self.experiments, "bigint[]")
        return f"{project} AND {alias}.experiment_id = ANY({bound})"

    def contains(self, alias: str, bindings: Bindings) -> str:
        """Return the same condition for rows that were found in another way than by it."""
        if len(self.experiments) == 1:
            return self.where(alias, bindings)
        # PostgreSQL hashes the ids once. An array it would search for every row.
        given = bindings.add(self.experiments, "bigint[]")
        return (
            f"{alias}.project_id = {bindings.add(self.project, 'bigint')}"
            f" AND {alias}.experiment_id IN (SELECT unnest({given}))"
        )

    def runs(self, bindings: Bindings) -> str:
        """Return the set of all runs."""
        return f"SELECT s.run_id, s.start_time FROM runs s WHERE {self.where('s', bindings)}"


def is_narrow(comparison: Comparison) -> bool:
    """Tell whether an index leads straight to the runs of a clause, so that few of them are found in no time."""
    entity, comparator = comparison.entity, comparison.comparator
    if entity in _KEYED:
        return comparator in _NARROW or (
            comparator is Comparator.LIKE and bool(_literal_prefix(str(comparison.value)))
        )
    if entity is Entity.DATASET:
        return comparison.key != "context" and comparator in (Comparator.EQ, Comparator.IN)
    if comparison.key == "run_id":
        return comparator in (Comparator.EQ, Comparator.IN)
    return comparison.key == "start_time" and comparator in _NARROW


def candidates(comparison: Comparison, scope: Scope, bindings: Bindings) -> str | None:
    """Return the set of a clause; None if no index has one."""
    if comparison.entity in _KEYED:
        return _keyed(comparison, scope, bindings)
    if comparison.entity is Entity.DATASET:
        return _dataset(comparison, scope, bindings)
    return _attribute(comparison, scope, bindings)


def table(entity: Entity) -> str:
    """Return the table that has the values of metrics, params or tags in order."""
    return _KEYED[entity]


def with_key(entity: Entity, key: str, scope: Scope, bindings: Bindings, *extra: str) -> str:
    """Return the set of runs with a metric, param or tag; ``extra`` are more columns of its table ``s``."""
    columns = ", ".join(("s.run_id", "s.start_time", *extra))
    return (
        f"SELECT {columns} FROM {_KEYED[entity]} s"
        f" WHERE {scope.where('s', bindings)} AND s.key = {bindings.add(key, 'text')}"
    )


def _keyed(comparison: Comparison, scope: Scope, bindings: Bindings) -> str | None:
    comparator, value = comparison.comparator, comparison.value
    if comparator is Comparator.IS_NULL:
        return None
    found = with_key(comparison.entity, comparison.key, scope, bindings)
    if comparator is Comparator.IS_NOT_NULL:
        return found
    if comparison.entity is Entity.METRIC:
        return f"{found} AND {compare_metric('s.value', comparator, value, bindings)}"
    return f"{found} AND {_head('s.head', comparator, value, bindings)}"


def _head(column: str, comparator: Comparator, value: Value, bindings: Bindings) -> str:
    """Compare the beginning of a text. A text that was cut off counts as found if it may be."""
    if comparator is Comparator.EQ:
        return f"{column} = {bindings.add(str(value)[:HEAD], 'text')}"
    if comparator is Comparator.IN and isinstance(value, tuple):
        return f"{column} = ANY({bindings.add([text[:HEAD] for text in value], 'text[]')})"
    # In the collation "C" ILIKE knows no letters but ASCII's.
    collated = f'{column} COLLATE "default"' if comparator is Comparator.ILIKE else column
    compared = compare_text(collated, comparator, value, bindings)
    rough = f"({compared} OR char_length({column}) = {HEAD})"
    prefix = _literal_prefix(str(value))[:HEAD] if comparator is Comparator.LIKE else ""
    if not prefix:
        return rough
    last = (prefix + _LAST_CHARACTER * HEAD)[:HEAD]
    bounds = f"{bindings.add(prefix, 'text')} AND {bindings.add(last, 'text')}"
    return f"{column} BETWEEN {bounds} AND {rough}"


def _literal_prefix(pattern: str) -> str:
    """Return what every text begins with that matches a LIKE pattern."""
    for index, character in enumerate(pattern):
        if character in "%_":
            return pattern[:index]
    return pattern


def _dataset(comparison: Comparison, scope: Scope, bindings: Bindings) -> str | None:
    """Return the runs that read a dataset. No index has the context of a dataset."""
    if comparison.key == "context":
        return None
    value = compare_text(f"d.{comparison.key}", comparison.comparator, comparison.value, bindings)
    # OFFSET 0 as in `exists`.
    return (
        f"SELECT DISTINCT s.run_id, s.start_time FROM datasets d"
        " CROSS JOIN LATERAL (SELECT i.run_id FROM run_inputs i"
        " WHERE i.project_id = d.project_id AND i.dataset_id = d.dataset_id OFFSET 0) i"
        " CROSS JOIN LATERAL (SELECT * FROM runs WHERE runs.project_id = d.project_id"
        " AND runs.run_id = i.run_id OFFSET 0) s"
        f" WHERE {scope.where('d', bindings)} AND {value}"
    )


def _attribute(comparison: Comparison, scope: Scope, bindings: Bindings) -> str | None:
    key, comparator, value = comparison.key, comparison.comparator, comparison.value
    if key in _HEADS:
        matches = _head(f"s.{_HEADS[key]}", comparator, value, bindings)
    elif key in RUNS.numeric:
        matches = compare_integer(f"s.{key}", comparator, value, bindings)
    elif key == "run_id" and comparator in (Comparator.EQ, Comparator.IN):
        matches = f"s.run_id = ANY({bindings.add(run_ids(comparison), 'uuid[]')})"
    else:
        return None
    return f"{scope.runs(bindings)} AND {matches}"
