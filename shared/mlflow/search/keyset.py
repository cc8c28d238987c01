"""Orders rows by terms, and continues after a row, without OFFSET.

Every term is NOT NULL and totally ordered, and the last one is unique. So a page starts exactly
where the page before it ended, whatever was inserted or deleted meanwhile. A nullable column becomes
two terms. The first is a rank that puts numbers before NaN before NULL, in both directions. The
second is the value; for NaN and NULL it is a constant.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.mlflow.search.page_token import KeyType, KeyValue
from shared.mlflow.search.sql import Bindings


@dataclass(frozen=True, slots=True)
class Term:
    """One ordering expression."""

    expression: str
    type: KeyType
    ascending: bool = True


def integer(column: str, *, ascending: bool) -> tuple[Term, ...]:
    """Order by a bigint that is never NULL."""
    return (Term(column, KeyType.INTEGER, ascending),)


def nullable_integer(column: str, *, ascending: bool) -> tuple[Term, ...]:
    """Order by a bigint, NULL last."""
    return (_null_rank(column), Term(f"coalesce({column}, 0)", KeyType.INTEGER, ascending))


def text(column: str, *, ascending: bool) -> tuple[Term, ...]:
    """Order by the code points of a text, NULL last.

    The order does not depend on the database's locale. MLflow on SQLite has the same order.
    """
    value = f"coalesce({column}, '') COLLATE \"C\""
    return (_null_rank(column), Term(value, KeyType.TEXT, ascending))


def c_text(column: str, *, ascending: bool) -> tuple[Term, ...]:
    """Order by a text column that is NOT NULL and COLLATE "C"; an index can give this order."""
    return (Term(column, KeyType.TEXT, ascending),)


def metric(column: str, *, ascending: bool) -> tuple[Term, ...]:
    """Order by a double, NaN after the numbers and before NULL."""
    rank = f"CASE WHEN {column} IS NULL THEN 2 WHEN {column} = 'NaN' THEN 1 ELSE 0 END"
    value = f"CASE WHEN {column} = 'NaN' THEN 0 ELSE coalesce({column}, 0) END"
    return (Term(rank, KeyType.INTEGER), Term(value, KeyType.FLOAT, ascending))


def uuid(column: str, *, ascending: bool) -> tuple[Term, ...]:
    """Order by a UUID; its hexadecimal text has the same order."""
    return (Term(column, KeyType.UUID, ascending),)


def _null_rank(column: str) -> Term:
    return Term(f"({column} IS NULL)::int", KeyType.INTEGER)


def types(terms: Sequence[Term]) -> list[KeyType]:
    """Return the types of the values in a row's key."""
    return [term.type for term in terms]


def select_list(terms: Sequence[Term]) -> str:
    """Return the terms as columns k0, k1, ...: together they are a row's key."""
    return ", ".join(f"{term.expression} AS k{index}" for index, term in enumerate(terms))


def order_list(terms: Sequence[Term]) -> str:
    """Return the ORDER BY list over the columns of `select_list`."""
    return ", ".join(
        f"k{index}" if term.ascending else f"k{index} DESC" for index, term in enumerate(terms)
    )


def key_of(row: Sequence[KeyValue], terms: Sequence[Term]) -> tuple[KeyValue, ...]:
    """Return the key of a row; the columns of `select_list` are its last ones."""
    return tuple(row[-len(terms) :])


def after(terms: Sequence[Term], key: Sequence[KeyValue], bindings: Bindings) -> str:
    """Return the condition that a row comes after a key.

    The bound on the first term repeats what the rest implies. It stands there because an index can use
    it, and cannot use the ORs.
    """
    bound = [
        (term, bindings.give(f"after{index}", value, term.type))
        for index, (term, value) in enumerate(zip(terms, key, strict=True))
    ]
    # Built from the last term to the first: (k0 > v0 OR (k0 = v0 AND (k1 > v1 OR (k1 = v1 AND k2 > v2)))).
    condition = ""
    for term, value in reversed(bound):
        beyond = f"{term.expression} {'>' if term.ascending else '<'} {value}"
        rest = f"{term.expression} = {value} AND {condition}"
        condition = f"({beyond} OR ({rest}))" if condition else beyond
    first, value = bound[0]
    return f"{first.expression} {'>=' if first.ascending else '<='} {value} AND {condition}"
