"""Counts the traces that satisfy two filters, in one statement."""

from typing import Final

from services.traces.correlation import Counts
from services.traces.store.scope import Scope
from services.traces.store.trace_clauses import TraceFilter, read_filter
from shared.contracts.trace_metrics import CalculateTraceFilterCorrelation
from shared.mlflow.search.bounded import Clause
from shared.mlflow.search.sql import Bindings
from shared.mlflow.search.statement import Connection

_OTHER_TABLES: Final = ("trace_labels", "spans", "assessments")


async def count(
    connection: Connection, scope: Scope, query: CalculateTraceFilterCorrelation
) -> Counts:
    """Return the counts. Raises DomainError(INVALID_PARAMETER_VALUE) for every mistake of the client."""
    base = await read_filter(connection, scope, query.base_filter or "")
    first = await read_filter(connection, scope, query.filter_string1)
    second = await read_filter(connection, scope, query.filter_string2)
    bindings = Bindings()
    counted = _Counted(bindings)
    conditions = [scope.condition(bindings), *(each.condition(bindings) for each in base.clauses)]
    one, other = counted.holds(first), counted.holds(second)
    text = (
        f"SELECT count(*) AS total, count(*) FILTER (WHERE {one}) AS first,"
        f" count(*) FILTER (WHERE {other}) AS second,"
        f" count(*) FILTER (WHERE {one} AND {other}) AS joint\n"
        f"FROM traces t{counted.joins}\nWHERE {' AND '.join(conditions)}"
    )
    (row,) = await connection.fetch(text, *bindings.values)
    return Counts(row["total"], row["first"], row["second"], row["joint"])


def _reads_other_tables(clause: Clause) -> bool:
    condition = clause.condition(Bindings())
    return any(table in condition for table in _OTHER_TABLES)


class _Counted:
    """Conditions that every trace is asked for.

    What another table must have of a trace is read once, as a set. A look-up for each trace would take seconds.
    """

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._sets: list[str] = []

    @property
    def joins(self) -> str:
        """Return the joins to the sets."""
        return "".join(
            f"\nLEFT JOIN (SELECT DISTINCT trace_id FROM ({each}) s) f{index}"
            f" ON f{index}.trace_id = t.trace_id"
            for index, each in enumerate(self._sets)
        )

    def holds(self, wanted: TraceFilter) -> str:
        """Return the condition that a trace satisfies a filter."""
        found = []
        for clause in wanted.clauses:
            if clause.candidates is None or not _reads_other_tables(clause):
                found.append(clause.condition(self._bindings))
            else:
                self._sets.append(clause.candidates(self._bindings))
                found.append(f"f{len(self._sets) - 1}.trace_id IS NOT NULL")
        return f"({' AND '.join(found) or 'true'})"
