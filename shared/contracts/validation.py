"""Translates pydantic's errors to MLflow's messages.

Source of the messages: ``mlflow/utils/validation.py`` (``invalid_value``, ``missing_value``) and
``_validate_param_against_schema`` in ``mlflow/server/handlers.py``.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, SchemaValidator, core_schema, from_json, to_json

from shared.contracts import limits
from shared.contracts.errors import DomainError, invalid

API_DOCS_HINT = "See the API docs for more information about request parameters."
LONGEST_SHOWN = 200
_COMPACT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def path_of(location: tuple[int | str, ...]) -> str:
    """Return ``metrics[0].value`` for ``("metrics", 0, "value")``. Aliases become snake_case."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{_snake(part)}" if path else _snake(part)
    return path


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def shown(value: Any) -> str:
    """Return the value as compact JSON. Long values are cut as in MLflow."""
    text = ""
    # A value can be a whole body. Only its beginning is turned into text.
    for piece in _COMPACT.iterencode(value):
        text += piece
        if len(text) > LONGEST_SHOWN:
            return text[:LONGEST_SHOWN] + "..."
    return text


def missing_value(path: str) -> DomainError:
    """Return MLflow's error for a missing required parameter."""
    message = f"Missing value for required parameter '{path}'. {API_DOCS_HINT}"
    return invalid(message, path, missing=True)


def invalid_value(path: str, value: Any, hint: str) -> DomainError:
    """Return MLflow's error for a value of the wrong type or out of range."""
    return invalid(f"Invalid value {shown(value)} for parameter '{path}' supplied: {hint}", path)


def to_domain_error(error: ValidationError) -> DomainError:
    """Return pydantic's first error as MLflow's server reports it."""
    first = error.errors(include_url=False, include_context=True)[0]
    return _domain_error(first)


def _domain_error(detail: ErrorDetails) -> DomainError:
    kind, path, value = detail["type"], path_of(detail["loc"]), detail["input"]
    if kind == "json_invalid":
        return invalid(f"Malformed JSON in request body: {detail['msg']}.")
    if not detail["loc"]:
        return invalid(f"The request body must be a JSON object, not {shown(value)}.")
    if kind == "missing" or value is None or value == "":
        return missing_value(path)
    if kind == "too_long":
        return invalid(f"'{path}' can contain at most {detail['ctx']['max_length']} elements.")
    if kind == "string_too_long":
        limit = detail["ctx"]["max_length"]
        return invalid(f"'{path}' exceeds the maximum length of {limit} characters")
    return invalid_value(
        path,
        value,
        f"Hint: Value was of type '{type(value).__name__}'. {API_DOCS_HINT}",
    )


def without_nulls(payload: bytes, known: frozenset[str]) -> bytes | None:
    """Return a JSON text without its null fields: proto-JSON reads null as unset.

    Returns None if there are no null fields to remove, or too many fields to look at. A null element of a list is an
    error and is not removed. Only the ``known`` fields are read: a client can send half a million others.
    """
    if b"null" not in payload or _fields_and_lists(payload) > limits.NULLABLE_FIELDS:
        return None
    try:
        return to_json(_stripped(_picker(known).validate_json(payload)))
    except ValueError:
        return None


def _fields_and_lists(payload: bytes) -> int:
    """Return about how many fields and lists a JSON text has, without parsing it.

    JSON inside a text, as in a dataset's schema, does not count: its colons follow an escaped quotation mark.
    """
    inside = payload.count(b'\\":') + payload.count(b'\\":[') + payload.count(b'\\": [')
    return payload.count(b":") + payload.count(b"[") - inside


@cache
def _picker(names: frozenset[str]) -> SchemaValidator:
    """Return a reader of JSON objects that makes no Python objects of other fields."""
    field = core_schema.typed_dict_field(core_schema.any_schema(), required=False)
    return SchemaValidator(
        core_schema.typed_dict_schema(dict.fromkeys(names, field), extra_behavior="ignore")
    )


def _stripped(value: Any) -> Any:
    # The recursion is bounded: the parser refuses JSON that is nested more than 200 deep.
    if isinstance(value, dict):
        return {key: _stripped(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_stripped(item) for item in value]
    return value


def reject_nul(payload: bytes) -> None:
    """Refuse U+0000, which PostgreSQL's text type can't hold.

    Raises DomainError(INVALID_PARAMETER_VALUE). The byte test keeps the hot path fast: a payload is parsed again
    only if it contains the escape.
    """
    if b"\\u0000" in payload and any("\0" in text for text in _strings(from_json(payload))):
        message = "The NUL character (U+0000) is not allowed in names, keys or values."
        raise invalid(message)


def _strings(root: Any) -> Iterator[str]:
    """Yield every string inside a JSON value, field names included."""
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
