"""Reads parameters as GitLab's API does: from query string, form and JSON body together.

GitLab's framework (Grape, on Rack) merges all of them. The body has priority over the query string.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from aiohttp.web import BaseRequest
from multidict import MultiDict
from pydantic_core import from_json, to_json

from services.gateway.dialects.dialect import Read
from services.gateway.dialects.gitlab_types import Fields, GitLabTypes
from services.gateway.http.fields import QueryFields, query_fields_of
from services.gateway.http.requests import BodyLimit, media_type, read_body, receive
from shared.contracts import limits
from shared.contracts.errors import invalid
from shared.contracts.message import Message

FORM = "application/x-www-form-urlencoded"

# Rack's names of list elements: ``experiment_ids[]``, ``tags[][key]``.
_ELEMENT = re.compile(r"(\w+)\[\](?:\[(\w+)\])?")


def reader(contract: type[Message], limit: BodyLimit) -> Read:
    """Return the function that merges a request's parameters.

    A JSON body without a query string stays unparsed if the contract has no field with a GitLab type. The
    contracts of logging have none, so that the hot path parses nothing.
    """
    known = query_fields_of(contract)
    types = GitLabTypes(contract, known)
    forms = replace(limit, max_bytes=min(limit.max_bytes, limits.FORM))

    async def read(request: BaseRequest) -> bytes:
        fields = _fields(request.query.items(), known) if request.query_string else {}
        if media_type(request) == FORM:
            form = _pairs(await receive(request, forms))
            return to_json(types.adapt(fields | _fields(form, known)))
        body = await read_body(request, limit)
        if not body:
            return to_json(types.adapt(fields))
        if not fields and not types.used:
            return body
        try:
            inner = from_json(body)
        except ValueError:
            return body  # The service's parser refuses it, with a message that says what is wrong.
        return to_json(types.adapt(fields | inner)) if isinstance(inner, dict) else body

    return read


def _pairs(form: bytes) -> list[tuple[str, str]]:
    """Return the fields of a form. Raises DomainError if there are too many."""
    text = form.decode(errors="replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=limits.FIELDS)
    except ValueError:
        message = f"A form can contain at most {limits.FIELDS} fields."
        raise invalid(message) from None


def _fields(pairs: Iterable[tuple[str, str]], known: QueryFields) -> Fields:
    """Return the fields of a query string or form. Names without brackets are read as in MLflow's dialect."""
    plain: MultiDict[str] = MultiDict()
    lists: dict[str, list[Any]] = {}
    for name, value in pairs:
        if element := _ELEMENT.fullmatch(name):
            _append(lists.setdefault(element[1], []), element[2], value)
        else:
            plain.add(name, value)
    return known.pick(plain) | lists


def _append(items: list[Any], key: str | None, value: str) -> None:
    """Append a text, or add a field to the last object. If that object has the field already, begin a new object."""
    if key is None:
        items.append(value)
    elif items and isinstance(items[-1], dict) and key not in items[-1]:
        items[-1][key] = value
    else:
        items.append({key: value})
