"""Reads the right-hand side of a comparison as the type that its left-hand side has."""

from shared.errors import invalid
from shared.search.ast import Entity, Value
from shared.search.clauses import Operand
from shared.search.grammars import Grammar
from shared.search.lexer import Kind, Token, is_identifier, is_quoted, unquote

_INT64_DIGITS = 19
_LIST = "While parsing a list in the query, expected"


def read_value(right: Operand, entity: Entity, key: str, grammar: Grammar) -> Value:
    """Return the value; `key` is canonical.

    Raises DomainError(INVALID_PARAMETER_VALUE) in MLflow's words when the type is wrong.
    """
    if entity is Entity.METRIC:
        return float(_number(right, "metric."))
    if entity is Entity.ATTRIBUTE and key in grammar.numeric:
        return _numeric_attribute(right, key, grammar)
    if right.items is None:
        return _text(right, entity)
    if entity is Entity.DATASET:
        return _list(right)
    if entity is Entity.ATTRIBUTE:
        if key not in grammar.lists:
            raise invalid(
                f"Only {sorted(grammar.lists)} attributes support comparison with a list of "
                "quoted string values."
            )
        return _list(right)
    raise _not_text(right, entity)


def _number(right: Operand, what: str) -> str:
    if right.items is not None or right.token.kind is not Kind.NUMBER:
        raise invalid(f"Expected numeric value type for {what} Found {right.text}")
    return right.text


def _numeric_attribute(right: Operand, key: str, grammar: Grammar) -> int | float:
    text = _number(right, f"numeric attribute: {key}.")
    if text.lstrip("-").isdecimal() and len(text) < _INT64_DIGITS:
        return int(text)
    # What no 64-bit integer holds is compared as a double, so that it is still above or below.
    value = float(text)
    if grammar.integers_only and not text.lstrip("-").isdecimal():
        raise invalid(f"Invalid value for numeric attribute '{key}': '{value}'")
    return value


def _text(right: Operand, entity: Entity) -> str:
    token = right.token
    if token.kind is Kind.STRING or is_quoted(token.text):
        return unquote(token.text)
    if is_identifier(token) and token.word != "NULL":
        raise invalid(
            "Parameter value is either not quoted or unidentified quote types used for string "
            f"value {token.text}. Use either single or double quotes."
        )
    raise _not_text(right, entity)


def _not_text(right: Operand, entity: Entity) -> Exception:
    if entity is Entity.DATASET:
        expected = "for dataset attributes."
    elif entity is Entity.ATTRIBUTE:
        expected = "for attributes."
    else:
        expected = f"for {entity} (e.g. 'my-value')."
    return invalid(f"Expected a quoted string value {expected} Got value {right.text}")


def _list(right: Operand) -> tuple[str, ...]:
    """Read quoted strings with commas between them; a trailing comma is fine, as in Python."""
    items = right.items or ()
    if not items:
        raise invalid(f"{_LIST} a non-empty list of string values, but got empty list")
    values, commas = items[::2], items[1::2]
    if any(token.kind is not Kind.COMMA for token in commas):
        raise _ill_formed()
    if any(token.kind is Kind.NUMBER for token in values):
        raise invalid(
            f"{_LIST} string value, punctuation, or whitespace, but got different type in list: "
            f"{right.text}"
        )
    return tuple(_item(token) for token in values)


def _item(token: Token) -> str:
    if token.kind is Kind.STRING or is_quoted(token.text):
        return unquote(token.text)
    raise _ill_formed()


def _ill_formed() -> Exception:
    return invalid(f"{_LIST} a non-empty list of string values, but got ill-formed list.")
