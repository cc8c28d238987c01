"""Parses order_by clauses: a name, optionally followed by ASC or DESC."""

from collections.abc import Sequence
from functools import lru_cache

from shared.contracts import limits
from shared.contracts.errors import invalid
from shared.mlflow.search.ast import OrderBy
from shared.mlflow.search.grammar import Grammar
from shared.mlflow.search.lexer import is_identifier, tokenize, unquote
from shared.mlflow.search.names import read_name
from shared.mlflow.search.remembered import LONGEST_REMEMBERED, MOST_REMEMBERED

_NAME_AND_DIRECTION = 2


def parse_order_by(clauses: Sequence[str], grammar: Grammar) -> tuple[OrderBy, ...]:
    """Return the clauses in order.

    Duplicates are refused as in MLflow's `_get_orderby_clauses`, unless the grammar is `repeatable`.
    Raises DomainError(INVALID_PARAMETER_VALUE), and no other exception, whatever the client sends.
    """
    if len(clauses) > limits.ORDERS:
        raise invalid(
            f"`order_by` can contain at most {limits.ORDERS} clauses. Got {len(clauses)}."
        )
    parsed = tuple(
        (_parse_once if len(clause) <= LONGEST_REMEMBERED else _parse)(clause, grammar)
        for clause in clauses
    )
    distinct = {(order.entity, order.key) for order in parsed}
    if len(distinct) < len(parsed) and not grammar.repeatable:
        raise invalid(f"`order_by` contains duplicate fields: {list(clauses)}")
    return parsed


def _parse(clause: str, grammar: Grammar) -> OrderBy:
    tokens = tokenize(clause, "order_by clause")
    if not 1 <= len(tokens) <= _NAME_AND_DIRECTION or not all(map(is_identifier, tokens)):
        raise invalid(f"Invalid order_by clause '{clause}'. Could not be parsed.")
    direction = tokens[1].word if len(tokens) == _NAME_AND_DIRECTION else "ASC"
    if direction not in ("ASC", "DESC"):
        raise invalid(f"Invalid ordering key in order_by clause '{clause}'.")
    # Unlike a filter, an order_by clause may put the whole name in quotes: `"metrics.a b" DESC`.
    name = unquote(tokens[0].text)
    if grammar.unknown_order and name not in grammar.orderable:
        raise invalid(grammar.unknown_order.format(name=name))
    entity, key = read_name(name, grammar, grammar.orderable)
    if entity not in grammar.sortable:
        raise invalid(grammar.unsortable.format(entity=entity, key=key))
    return OrderBy(entity, key, ascending=direction == "ASC")


_parse_once = lru_cache(MOST_REMEMBERED)(_parse)
