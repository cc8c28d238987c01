"""Reads names: `entity.key` in filters and order_by clauses."""

from collections.abc import Collection, Iterable

from shared.contracts.errors import invalid
from shared.mlflow.search.ast import Entity
from shared.mlflow.search.grammar import Grammar
from shared.mlflow.search.lexer import unquote


def read_name(text: str, grammar: Grammar, attributes: Collection[str]) -> tuple[Entity, str]:
    """Split a name at its first dot; a name without a dot is an attribute.

    `attributes` are the accepted spellings of attributes. The returned key is canonical. Raises
    DomainError(INVALID_PARAMETER_VALUE) for a name that the grammar does not know.
    """
    first, dot, rest = _split(text)
    entity = _entity(first, grammar) if dot else Entity.ATTRIBUTE
    key = unquote(rest if dot else first)
    if dot and not key:
        raise invalid(
            f"Invalid identifier {text!r}. Columns should be specified as 'attribute.<key>', "
            "'metric.<key>', 'tag.<key>', 'dataset.<key>', or 'param.'."
        )
    if entity is Entity.ATTRIBUTE and key not in attributes:
        raise invalid(
            f"Invalid attribute key '{key}' specified. Valid keys are '{as_set(attributes)}'"
        )
    if entity is Entity.DATASET and key not in grammar.datasets:
        raise invalid(
            f"Invalid dataset key '{key}' specified. Valid keys are '{as_set(grammar.datasets)}'"
        )
    return entity, grammar.aliases.get(key, key) if entity is Entity.ATTRIBUTE else key


def as_set(values: Iterable[str]) -> str:
    """Write values like a Python set, as in MLflow's messages, but sorted."""
    return "{" + ", ".join(repr(str(value)) for value in sorted(values)) + "}"


def _split(text: str) -> tuple[str, str, str]:
    """Cut at the first dot, unless the whole text is one quoted piece such as `"Run name"`."""
    if unquote(text) != text:
        return text, "", ""
    return text.partition(".")


def _entity(prefix: str, grammar: Grammar) -> Entity:
    entity = unquote(prefix, "`")
    if entity not in grammar.entities:
        raise invalid(grammar.unknown_entity.format(entity=entity))
    return grammar.entities[entity]
