"""Turns a filter string into comparisons, checked against the grammar of the searched noun."""

from functools import lru_cache

from shared.contracts.errors import invalid
from shared.mlflow.search.ast import Comparator, Comparison, Entity, Value
from shared.mlflow.search.clauses import Clause, Operand, read_clauses, require_identifier
from shared.mlflow.search.grammar import Grammar
from shared.mlflow.search.names import as_set, read_name
from shared.mlflow.search.remembered import LONGEST_REMEMBERED, MOST_REMEMBERED
from shared.mlflow.search.values import read_value

# MLflow has no limit. Here each clause is a subquery, which costs the planner time.
MAX_CLAUSES = 200


def parse_filter(source: str | None, grammar: Grammar) -> tuple[Comparison, ...]:
    """Return the comparisons of a filter; all of them must hold. An empty or absent filter has none.

    Raises DomainError(INVALID_PARAMETER_VALUE) in the words of MLflow's `parse_search_filter`, and no
    other exception, whatever the client sends.
    """
    if not source:
        return ()
    parse = _parse_once if len(source) <= LONGEST_REMEMBERED else _parse
    return parse(source, grammar)


def _parse(source: str, grammar: Grammar) -> tuple[Comparison, ...]:
    clauses = read_clauses(source, grammar)
    if len(clauses) > MAX_CLAUSES:
        raise invalid(f"A filter can contain at most {MAX_CLAUSES} clauses. Got {len(clauses)}.")
    # MLflow reads every name and value before it checks a comparator. The same order here gives a
    # filter with several mistakes the same error.
    read = [_read(clause, grammar) for clause in clauses]
    return tuple(
        Comparison(entity, key, _comparator(clause, entity, key, grammar), value)
        for clause, (entity, key, value) in zip(clauses, read, strict=True)
    )


_parse_once = lru_cache(MOST_REMEMBERED)(_parse)


def _read(clause: Clause, grammar: Grammar) -> tuple[Entity, str, Value]:
    entity, key = read_name(require_identifier(clause), grammar, grammar.searchable)
    if clause.right is None:
        if entity not in grammar.nullable:
            raise invalid(grammar.unsupported_null.format(entity=entity, key=key))
        return entity, key, None
    _check_list(clause, clause.right, entity, grammar)
    return entity, key, read_value(clause.right, entity, key, clause.operator, grammar)


def _check_list(clause: Clause, right: Operand, entity: Entity, grammar: Grammar) -> None:
    """Raise DomainError for a list after another comparator than [NOT] IN; MLflow's database fails on it."""
    takes_lists = entity is Entity.ATTRIBUTE or Comparator.IN in grammar.comparators[entity]
    if takes_lists and right.items is not None and not clause.operator.endswith("IN"):
        raise invalid(f"Invalid comparison clause. Expected value token found '{right.text}'")


def _comparator(clause: Clause, entity: Entity, key: str, grammar: Grammar) -> Comparator:
    allowed = grammar.comparators_of(entity, key)
    if clause.operator not in allowed:
        compared = f"{entity} {key}" if key in grammar.numeric else entity
        raise invalid(
            grammar.wrong_comparator.format(
                operator=clause.operator,
                allowed=as_set(allowed),
                choices=tuple(map(str, allowed)),
                compared=compared,
                spelled=grammar.spelled(entity, key),
            )
        )
    return Comparator(clause.operator)
