"""Writes comparisons as SQL with bound values. It knows no tables.

Text from a client is always a bound value, never part of a statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.mlflow.search.ast import Comparator, Value

_OPERATORS: Final = {
    Comparator.EQ: "=",
    Comparator.NE: "<>",
    Comparator.LT: "<",
    Comparator.LE: "<=",
    Comparator.GT: ">",
    Comparator.GE: ">=",
}


class Bindings:
    """The values of one statement, in the order of their placeholders."""

    def __init__(self) -> None:
        self._values: list[object] = []
        self._places: dict[str, int] = {}

    def add(self, value: object, sql_type: str) -> str:
        """Bind a value and return its placeholder, cast to a Postgres type."""
        self._values.append(value)
        return f"${len(self._values)}::{sql_type}"

    def give(self, name: str, value: object, sql_type: str) -> str:
        """Bind a value that differs from request to request of the same search; return its placeholder.

        It is bound once, however often its name is given.
        """
        if name not in self._places:
            self._places[name] = len(self._values)
            self._values.append(value)
        return f"${self._places[name] + 1}::{sql_type}"

    @property
    def values(self) -> Sequence[object]:
        """Return the values to pass along with the statement."""
        return tuple(self._values)

    @property
    def places(self) -> Mapping[str, int]:
        """Return the indexes of the values that were given a name."""
        return self._places


@dataclass(frozen=True, slots=True)
class Composed:
    """A statement and its values."""

    text: str
    values: Sequence[object]
    places: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, bindings: Bindings) -> "Composed":
        """Return a statement with the values that were bound while it was written."""
        return cls(text, bindings.values, bindings.places)

    def given(self, values: Mapping[str, object]) -> "Composed":
        """Return the same statement for another request. ``values`` has at least the names in ``places``."""
        filled = list(self.values)
        for name, place in self.places.items():
            filled[place] = values[name]
        return Composed(self.text, filled, self.places)


def exists(rows: str) -> str:
    """Return the condition that at least one row exists; `rows` is the text after FROM.

    OFFSET 0 makes PostgreSQL look the rows up by primary key, for one candidate after another. Without
    it PostgreSQL makes a join. Where it believes a table to be small, this join is a thousand times
    slower: from the first runs on until the table is analyzed.
    """
    return f"EXISTS (SELECT FROM {rows} OFFSET 0)"


def compare_text(column: str, comparator: Comparator, value: Value, bindings: Bindings) -> str:
    """Compare a text expression with a string, or with a list of them.

    `%` and `_` are the wildcards. ESCAPE '' makes a backslash an ordinary character, because MLflow's
    patterns have no escape. Without it a pattern that ends in a backslash would be an error.
    """
    if comparator is Comparator.IN:
        return f"{column} = ANY({bindings.add(value, 'text[]')})"
    if comparator is Comparator.NOT_IN:
        return f"{column} <> ALL({bindings.add(value, 'text[]')})"
    if comparator in (Comparator.LIKE, Comparator.ILIKE):
        return f"{column} {comparator} {bindings.add(value, 'text')} ESCAPE ''"
    if comparator is Comparator.RLIKE:
        return f"{column} ~ {bindings.add(value, 'text')}"
    return f"{column} {_OPERATORS[comparator]} {bindings.add(value, 'text')}"


def compare_integer(column: str, comparator: Comparator, value: Value, bindings: Bindings) -> str:
    """Compare a bigint expression with an integer, or with a float: a fraction or a number beyond bigint."""
    sql_type = "bigint" if isinstance(value, int) else "double precision"
    return f"{column} {_OPERATORS[comparator]} {bindings.add(value, sql_type)}"


def compare_metric(column: str, comparator: Comparator, value: Value, bindings: Bindings) -> str:
    """Compare a double with a number as IEEE 754 does: NaN satisfies `!=` alone.

    Postgres sorts NaN above all numbers, so `>` and `>=` must exclude it.
    """
    bound = bindings.add(value, "double precision")
    comparison = f"{column} {_OPERATORS[comparator]} {bound}"
    if comparator in (Comparator.GT, Comparator.GE):
        return f"({comparison} AND {column} <> 'NaN')"
    return comparison
