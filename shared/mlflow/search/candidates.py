"""Composes sets: the keys of all rows that satisfy a clause, read from an index that leads to them.

A set is the text of a SELECT. It is exact, and it may hold a key twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from shared.mlflow.search.ast import Comparator, Comparison, Value
from shared.mlflow.search.sql import Bindings, compare_integer, compare_metric, compare_text

SHORT: Final = 250
"""Characters of a value that is too long for the index of values. Such values have an index of their own."""

_MOST_RANGES: Final = 20
"""Values of a NOT IN that are left out one by one. A longer list is compared with every entry of the key."""

_LAST_CHARACTER: Final = 0x10FFFF
_BEFORE_SURROGATES, _AFTER_SURROGATES = 0xD7FF, 0xE000


@dataclass(frozen=True, slots=True)
class Source:
    """A table to read sets from: its text after FROM, and the columns that are the key of a row.

    ``scope`` are conditions that every row satisfies, such as the project, with bound values.
    """

    table: str
    columns: str
    scope: str

    def where(self, *conditions: str) -> str:
        """Return the set of rows that satisfy conditions."""
        return f"SELECT {self.columns} FROM {self.table} WHERE {' AND '.join((self.scope, *conditions))}"


def text_set(source: Source, column: str, comparison: Comparison, bindings: Bindings) -> str:
    """Return the set of a text column that an index has in the collation "C", whole."""
    found = _text_ranges(column, comparison.comparator, comparison.value, bindings)
    return _union(source, found)


def long_text_set(source: Source, column: str, comparison: Comparison, bindings: Bindings) -> str:
    """Return the set of a text column whose index has values of fewer than ``SHORT`` characters.

    Another index has the rows with longer values.
    """
    comparator, value = comparison.comparator, comparison.value
    found = [
        f"char_length({column}) < {SHORT} AND {each}"
        for each in _text_ranges(column, comparator, value, bindings)
    ]
    if not finds_short(comparison):
        compared = (
            "true"
            if comparator is Comparator.IS_NOT_NULL
            else compare_text(column, comparator, value, bindings)
        )
        found.append(f"char_length({column}) >= {SHORT} AND {compared}")
    return _union(source, found)


def integer_set(source: Source, column: str, comparison: Comparison, bindings: Bindings) -> str:
    """Return the set of a bigint column."""
    comparator, value = comparison.comparator, comparison.value
    comparators = _around(comparator)
    return _union(source, [compare_integer(column, each, value, bindings) for each in comparators])


def metric_set(source: Source, column: str, comparison: Comparison, bindings: Bindings) -> str:
    """Return the set of a double column. NaN, which an index has above all numbers, satisfies `!=` alone."""
    comparator, value = comparison.comparator, comparison.value
    if comparator is Comparator.NE:
        bound = bindings.add(value, "double precision")
        return _union(source, [f"{column} < {bound}", f"{column} > {bound}"])
    if comparator in (Comparator.GT, Comparator.GE):
        bound = bindings.add(value, "double precision")
        return source.where(f"{column} {comparator} {bound} AND {column} < 'NaN'")
    return source.where(compare_metric(column, comparator, value, bindings))


def _union(source: Source, conditions: Sequence[str]) -> str:
    return " UNION ALL ".join(source.where(each) for each in conditions)


def _around(comparator: Comparator) -> Sequence[Comparator]:
    """Return comparators that an index can search for: what differs from a value is below or above it."""
    if comparator is Comparator.NE:
        return (Comparator.LT, Comparator.GT)
    return (comparator,)


def _text_ranges(
    column: str, comparator: Comparator, value: Value, bindings: Bindings
) -> Sequence[str]:
    """Return disjoint conditions that together are a comparison. An index can search for most of them."""
    indexed = f'{column} COLLATE "C"'
    if comparator is Comparator.IS_NOT_NULL:
        return ("true",)
    if comparator is Comparator.NOT_IN and isinstance(value, tuple) and len(value) <= _MOST_RANGES:
        return _gaps(indexed, value, bindings)
    return [compare_indexed(column, each, value, bindings) for each in _around(comparator)]


def compare_indexed(column: str, comparator: Comparator, value: Value, bindings: Bindings) -> str:
    """Compare a text as ``compare_text`` does, so that an index in the collation "C" is of use."""
    indexed = f'{column} COLLATE "C"'
    if comparator is Comparator.LIKE:
        bounds = _prefix_bounds(indexed, str(value), bindings)
        return f"{bounds}{compare_text(column, comparator, value, bindings)}"
    if comparator is Comparator.ILIKE:
        return _ilike(column, comparator, value, bindings)
    return compare_text(indexed, comparator, value, bindings)


def _ilike(column: str, comparator: Comparator, value: Value, bindings: Bindings) -> str:
    """Compare ASCII texts in the collation "C", where ILIKE is several times as fast, but knows no other letters."""
    exactly = compare_text(column, comparator, value, bindings)
    if not str(value).isascii():
        return exactly
    simply = compare_text(f'{column} COLLATE "C"', comparator, value, bindings)
    is_ascii = f"octet_length({column}) = char_length({column})"
    return f"CASE WHEN {is_ascii} THEN {simply} ELSE {exactly} END"


def _gaps(column: str, values: Sequence[str], bindings: Bindings) -> Sequence[str]:
    """Return the ranges between values."""
    # Python sorts texts by code points, as the collation "C" does.
    bounds = [bindings.add(value, "text") for value in sorted(set(values))]
    first, last = f"{column} < {bounds[0]}", f"{column} > {bounds[-1]}"
    between = [f"{column} > {low} AND {column} < {high}" for low, high in pairwise(bounds)]
    return (first, *between, last)


def _prefix_bounds(column: str, pattern: str, bindings: Bindings) -> str:
    """Return bounds of the texts that begin as a LIKE pattern does; '' for a pattern without a beginning."""
    prefix = literal_prefix(pattern)
    if not prefix:
        return ""
    bounds = f"{column} >= {bindings.add(prefix, 'text')} AND "
    if following := _successor(prefix):
        bounds += f"{column} < {bindings.add(following, 'text')} AND "
    return bounds


def is_narrow(comparison: Comparison) -> bool:
    """Tell whether an index leads straight to the set of a comparison."""
    comparator, value = comparison.comparator, comparison.value
    if comparator is Comparator.LIKE:
        return bool(literal_prefix(str(value)))
    if comparator is Comparator.NOT_IN:
        return isinstance(value, tuple) and len(value) <= _MOST_RANGES
    return comparator not in (Comparator.ILIKE, Comparator.RLIKE, Comparator.IS_NULL)


def literal_prefix(pattern: str) -> str:
    """Return what every text begins with that matches a LIKE pattern."""
    wildcards = [at for at in (pattern.find("%"), pattern.find("_")) if at >= 0]
    return pattern[: min(wildcards)] if wildcards else pattern


def _successor(prefix: str) -> str:
    """Return the first text after all that begin with a prefix; '' if there is none."""
    kept = prefix.rstrip(chr(_LAST_CHARACTER))
    if not kept:
        return ""
    last = ord(kept[-1])
    following = _AFTER_SURROGATES if last == _BEFORE_SURROGATES else last + 1
    return kept[:-1] + chr(following)


def finds_short(comparison: Comparison) -> bool:
    """Tell whether a comparison finds values of fewer than ``SHORT`` characters alone."""
    comparator, value = comparison.comparator, comparison.value
    if comparator is Comparator.EQ:
        return len(str(value)) < SHORT
    return (
        comparator is Comparator.IN
        and isinstance(value, tuple)
        and all(len(each) < SHORT for each in value)
    )
