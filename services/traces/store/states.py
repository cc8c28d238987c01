"""Comparisons with one of a few constants, such as the state of a trace.

The constants stand in the statement, so that PostgreSQL knows how many rows have each. Errors are few, the rest is not.
"""

from collections.abc import Sequence

from shared.mlflow.search.ast import Comparator, Comparison


def satisfying(comparison: Comparison, constants: Sequence[str]) -> list[str] | None:
    """Return the constants that satisfy a comparison; None for a pattern, which PostgreSQL must compare."""
    comparator, value = comparison.comparator, comparison.value
    values = value if isinstance(value, tuple) else (value,)
    if comparator in (Comparator.EQ, Comparator.IN):
        return [each for each in constants if each in values]
    if comparator in (Comparator.NE, Comparator.NOT_IN):
        return [each for each in constants if each not in values]
    return None


def one_of(column: str, constants: Sequence[str]) -> str:
    """Return the condition that a column has one of the constants."""
    if not constants:
        return "false"
    listed = ", ".join(f"'{each}'" for each in constants)
    return f"{column} = {listed}" if len(constants) == 1 else f"{column} IN ({listed})"
