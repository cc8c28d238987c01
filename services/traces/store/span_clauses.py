"""Conditions on the spans of a trace, as SQL.

All conditions on spans of a filter must hold for one and the same span, as in MLflow. Where MLflow compares the JSON
of a span with ``%"<key>"<value>%``, so that ``=`` finds nothing and a value is also found behind another key, the value
of the attribute is compared here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.traces.store.scope import Scope
from services.traces.store.states import one_of, satisfying
from shared.contracts.errors import invalid
from shared.mlflow.search.ast import Comparator, Comparison, Entity
from shared.mlflow.search.bounded import Clause, Text
from shared.mlflow.search.candidates import (
    SHORT,
    Source,
    compare_indexed,
    finds_short,
    is_narrow,
)
from shared.mlflow.search.sql import Bindings, compare_text, exists
from shared.mlflow.search.statement import Connection

TEXT: Final = "text"
"""The attribute of a trace that is searched in the content of its spans."""

MOST_VALUES: Final = 1_000
"""Distinct names or types of an experiment that are read to find those that match a pattern."""

_CONTENT: Final = "content"
_ATTRIBUTES: Final = "attributes."
_COLUMNS: Final = {"name": "s.name", "type": "s.type", "status": "s.status"}
_COMPARATORS: Final = (
    Comparator.EQ,
    Comparator.NE,
    Comparator.IN,
    Comparator.NOT_IN,
    Comparator.LIKE,
    Comparator.ILIKE,
    Comparator.RLIKE,
)
_CONTENT_COMPARATORS: Final = (Comparator.LIKE, Comparator.ILIKE)
_STATUSES: Final = ("ERROR", "OK", "UNSET")
_ANY_TYPE: Final = Comparison(Entity.SPAN, "type", Comparator.LIKE, "%")
_OF_TRACE: Final = "s.project_id = t.project_id AND s.week = t.week AND s.trace_id = t.trace_id"


def is_of_span(comparison: Comparison) -> bool:
    """Tell whether a comparison is one of spans: also the text of a trace is searched there."""
    return comparison.entity is Entity.SPAN or (comparison.entity, comparison.key) == (
        Entity.ATTRIBUTE,
        TEXT,
    )


def checked(comparison: Comparison) -> Comparison:
    """Return a comparison of spans. Raises DomainError in MLflow's words (``SearchTraceUtils.is_span``)."""
    key = _CONTENT if comparison.entity is Entity.ATTRIBUTE else comparison.key
    if key.startswith(_ATTRIBUTES):
        if not _attribute(key):
            raise invalid("Span attribute name cannot be empty after 'attributes.'")
        allowed: Sequence[Comparator] = _COMPARATORS
    elif key in _COLUMNS:
        allowed = _COMPARATORS
    elif key == _CONTENT:
        allowed = _CONTENT_COMPARATORS
    else:
        raise invalid(
            f"Invalid span attribute '{key}'. "
            "Supported attributes: name, status, type, attributes.<attribute_name>."
        )
    if comparison.comparator not in allowed:
        listed = ", ".join(repr(str(each)) for each in allowed)
        message = f"span.{key} comparator '{comparison.comparator}' not one of '{{{listed}}}'"
        raise invalid(message)
    return Comparison(Entity.SPAN, key, comparison.comparator, comparison.value)


def _attribute(key: str) -> str:
    name = key.removeprefix(_ATTRIBUTES)
    quoted = len(name) > 1 and name[0] == name[-1] == "`"
    return name[1:-1] if quoted else name


async def resolved(
    connection: Connection, scope: Scope, comparisons: Sequence[Comparison]
) -> Mapping[Comparison, Comparison]:
    """Return the comparisons that an index can search for in place of some that it can't.

    An experiment has few names and types of spans. Those that match a pattern are found among them.
    """
    found: dict[Comparison, Comparison] = {}
    if len(scope.experiments) != 1:
        return found
    if {each.key for each in comparisons if each.key in _COLUMNS} == {"status"}:
        # The index of types has the status after the type.
        comparisons = [_ANY_TYPE]
    for each in comparisons:
        if each.key not in ("name", "type") or _is_sought(each):
            continue
        bindings = Bindings()
        compared = compare_text('v COLLATE "default"', each.comparator, each.value, bindings)
        text = _distinct(_COLUMNS[each.key], scope, compared, bindings)
        rows = await connection.fetch(text, *bindings.values)
        # The last row says whether all values were read.
        if rows[-1]["complete"]:
            values = tuple(row["v"] for row in rows[:-1])
            found[each] = Comparison(each.entity, each.key, Comparator.IN, values)
    return found


def _distinct(column: str, scope: Scope, compared: str, bindings: Bindings) -> str:
    """Return the statement of the distinct values that match, and a row that says whether these are all.

    Each value is the next one in the index, so that its rows are not read.
    """
    rows = f"FROM spans s WHERE {scope.on('s', bindings)} AND char_length(s.name) < {SHORT}"
    value = f'{column} COLLATE "C"'
    return (
        f"WITH RECURSIVE d (v, n) AS ("
        f"(SELECT {value}, 1 {rows} ORDER BY {value} LIMIT 1) UNION ALL "
        f"SELECT (SELECT {value} {rows} AND {value} > d.v ORDER BY {value} LIMIT 1), n + 1 "
        f"FROM d WHERE d.v IS NOT NULL AND n <= {MOST_VALUES})\n"
        f"(SELECT v, false AS complete FROM d WHERE v IS NOT NULL AND {compared})\n"
        f"UNION ALL (SELECT NULL, coalesce(bool_or(v IS NULL), true) FROM d)"
    )


def _is_sought(comparison: Comparison) -> bool:
    """Tell whether an index finds the values of a comparison one by one."""
    return comparison.comparator in (Comparator.EQ, Comparator.IN)


@dataclass(frozen=True, slots=True)
class SpanClauses:
    """The comparisons of spans in a filter; ``replaced`` are those that ``resolved`` has found."""

    scope: Scope
    comparisons: Sequence[Comparison]
    replaced: Mapping[Comparison, Comparison]

    @property
    def is_expensive(self) -> bool:
        """Tell whether the content of spans must be read."""
        return any(each.key not in _COLUMNS for each in self.comparisons)

    def clauses(self) -> list[Clause]:
        """Return the clause that one span satisfies all comparisons, after the cheaper one that this implies."""
        if not self.comparisons:
            return []
        indexed = [each for each in self.comparisons if each.key in _COLUMNS]
        found = []
        if indexed:
            sought = [self.replaced.get(each, each) for each in indexed]
            if _ANY_TYPE in self.replaced:
                sought.append(self.replaced[_ANY_TYPE])
            leads = any(each.key != "status" for each in sought)
            narrow = all(each.key == "status" or is_narrow(each) for each in sought)
            candidates = self._candidates(indexed, sought) if leads else None
            found.append(Clause(self._has_span(indexed), candidates, narrow))
        if self.is_expensive:
            found.append(Clause(self._has_span(self.comparisons)))
        return found

    def _has_span(self, comparisons: Sequence[Comparison]) -> Text:
        def condition(bindings: Bindings) -> str:
            compared = " AND ".join(_compare(each, bindings) for each in comparisons)
            return exists(f"spans s WHERE {_OF_TRACE} AND {compared}")

        return condition

    def _candidates(self, comparisons: Sequence[Comparison], sought: Sequence[Comparison]) -> Text:
        """Return the set of the traces with such a span. Spans with long names have an index of their own."""
        keys = {each.key for each in comparisons}

        def candidates(bindings: Bindings) -> str:
            source = Source("spans s", "s.trace_id", self.scope.on("s", bindings))
            compared = [_compare_indexed(each, bindings) for each in sought]
            if "status" not in keys:
                # The index of types has the status between type and name.
                compared.append(one_of('s.status COLLATE "C"', _STATUSES))
            short = source.where(f"char_length(s.name) < {SHORT}", *compared)
            if any(each.key == "name" and finds_short(each) for each in comparisons):
                return short
            exactly = [_compare(each, bindings) for each in comparisons]
            return f"{short} UNION ALL {source.where(f'char_length(s.name) >= {SHORT}', *exactly)}"

        return candidates


def _compare_indexed(comparison: Comparison, bindings: Bindings) -> str:
    column = _COLUMNS[comparison.key]
    if comparison.key == "status":
        statuses = satisfying(comparison, _STATUSES)
        if statuses is not None:
            return one_of(f'{column} COLLATE "C"', statuses)
    return compare_indexed(column, comparison.comparator, comparison.value, bindings)


def _compare(comparison: Comparison, bindings: Bindings) -> str:
    key, comparator, value = comparison.key, comparison.comparator, comparison.value
    if key in _COLUMNS:
        return compare_text(_COLUMNS[key], comparator, value, bindings)
    if key == _CONTENT:
        return compare_indexed("s.content", comparator, value, bindings)
    name = bindings.add(_attribute(key), "text")
    # Most spans do not have the key: their JSON is not parsed.
    has_key = f"strpos(s.content, to_json({name})::text) > 0"
    return f"({has_key} AND {compare_text(f'span_attribute(s.content, {name})', comparator, value, bindings)})"
