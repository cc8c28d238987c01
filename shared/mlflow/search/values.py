"""Reads the right-hand side of a comparison as the type of its left-hand side."""

from shared.contracts.errors import invalid
from shared.mlflow.search.ast import Comparator, Entity, Value
from shared.mlflow.search.clauses import Operand
from shared.mlflow.search.grammar import Grammar
from shared.mlflow.search.lexer import Kind, Token, is_identifier, is_quoted, unquote

MEASURES = frozenset({Comparator.LT, Comparator.LE, Comparator.GT, Comparator.GE})
"""Comparators of numbers alone."""

_INT64_DIGITS = 19
_LIST = "While parsing a list in the query, expected"


def read_value(right: Operand, entity: Entity, key: str, operator: str, grammar: Grammar) -> Value:
    """Return the value; `key` is canonical, `operator` in upper case.

    Raises DomainError(INVALID_PARAMETER_VALUE), in MLflow's words, if the type is wrong.
    """
    if entity in grammar.measured and operator in MEASURES:
        what = f"a numeric value for {entity} when using comparator '{operator}'. Got value"
        if right.items is not None or right.token.kind is not Kind.NUMBER:
            raise invalid(f"Expected {what} {right.text}")
        return float(right.text)
    if entity is Entity.METRIC:
        return float(_number(right, "metric."))
    if entity is Entity.ATTRIBUTE and key in grammar.numeric:
        read = _quotable_integer if grammar.quoted_integers else _numeric_attribute
        return read(right, key, grammar)
    if right.items is None:
        return _text(right, entity, grammar)
    if entity is Entity.ATTRIBUTE:
        _check_takes_lists(key, grammar)
        return _list(right)
    if Comparator.IN in grammar.comparators[entity]:
        return _list(right)
    raise _not_text(right, entity, grammar)


def _check_takes_lists(key: str, grammar: Grammar) -> None:
    if key not in grammar.lists:
        raise invalid(
            f"Only {sorted(grammar.lists)} attributes support comparison with a list of "
            "quoted string values."
        )


def _number(right: Operand, what: str) -> str:
    if right.items is not None or right.token.kind is not Kind.NUMBER:
        raise invalid(f"Expected numeric value type for {what} Found {right.text}")
    return right.text


def _numeric_attribute(right: Operand, key: str, grammar: Grammar) -> int | float:
    text = _number(right, f"numeric attribute: {key}.")
    if grammar.integers_only and not text.lstrip("-").isdecimal():
        raise invalid(f"Invalid value for numeric attribute '{key}': '{float(text)}'")
    return _comparable(text)


def _comparable(text: str) -> int | float:
    """Return an integer of fewer than 19 characters as an int: it fits into a bigint.

    Any other number becomes a float. A number beyond bigint then still compares as larger or smaller.
    """
    if text.lstrip("-").isdecimal() and len(text) < _INT64_DIGITS:
        return int(text)
    return float(text)


def _quotable_integer(right: Operand, key: str, grammar: Grammar) -> int | float:
    """Read an integer, in quotes or not."""
    if right.items is not None:
        _check_takes_lists(key, grammar)
    token = right.token
    if token.kind is Kind.NUMBER:
        text, shown = token.text, repr(float(token.text))
    else:
        text = _text(right, Entity.ATTRIBUTE, grammar).strip()
        shown = repr(text)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise invalid(f"Invalid value for numeric attribute '{key}': {shown}")
    return _comparable(text)


def _text(right: Operand, entity: Entity, grammar: Grammar) -> str:
    token = right.token
    if token.kind is Kind.STRING or is_quoted(token.text):
        text = unquote(token.text)
        is_doubled = grammar.doubled_quotes and token.text.startswith("'")
        return text.replace("''", "'") if is_doubled else text
    if grammar.bare_text:
        return token.text
    if is_identifier(token) and token.word != "NULL":
        raise invalid(
            "Parameter value is either not quoted or unidentified quote types used for string "
            f"value {token.text}. Use either single or double quotes."
        )
    raise _not_text(right, entity, grammar)


def _not_text(right: Operand, entity: Entity, grammar: Grammar) -> Exception:
    if entity is Entity.ATTRIBUTE:
        return invalid(grammar.not_text.format(value=right.text))
    expected = (
        "for dataset attributes."
        if entity is Entity.DATASET
        else f"for {entity} (e.g. 'my-value')."
    )
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
