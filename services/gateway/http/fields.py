"""Reads the fields of one contract from a query string, and overwrites fields of a body.

Only the contract knows a field's type and the names under which it is accepted.
"""

import typing
from collections.abc import Mapping
from functools import cache
from types import GenericAlias

from multidict import MultiMapping
from pydantic_core import from_json, to_json

from shared.contracts.errors import invalid
from shared.contracts.field_names import names_of
from shared.contracts.message import Message


class Overlay:
    """Overwrites fields of a body that the client may not choose.

    They are the variable parts of the path and what the gateway has looked up. All accepted names of such a
    field are removed from the body. If ``modelId`` stayed beside ``model_id``, the service might read the wrong one.
    """

    def __init__(self, contract: type[Message]) -> None:
        self._contract = contract
        fields = contract.model_fields.items()
        self._names = {name: frozenset(names_of(name, field)) for name, field in fields}

    def put(self, payload: bytes, values: Mapping[str, object]) -> bytes:
        """Return the payload with ``values`` in it. An empty payload counts as ``{}``. Raises DomainError."""
        try:
            fields = from_json(payload or b"{}")
        except ValueError:
            raise self._unreadable(payload) from None
        if not isinstance(fields, dict):
            raise self._unreadable(payload)
        for name in values:
            for known in self._names.get(name, ()):
                fields.pop(known, None)
        return to_json({**fields, **values})

    def _unreadable(self, payload: bytes) -> Exception:
        """Return the error for a body that is no JSON object. Raises DomainError if the contract has its own words."""
        self._contract.parse(payload)
        # The contract accepts this body, but nothing can be overwritten in it. It must not pass unchanged.
        return invalid("The body must be a JSON object.")


class QueryFields:
    """Turns a query string into the proto-JSON of one contract.

    A query string has no types: only the contract knows which fields are lists or booleans.
    Numbers stay strings, which proto-JSON allows. ``lists``, ``booleans`` and ``scalars`` hold the
    names of the fields of each kind, with all aliases that the contract accepts.
    """

    def __init__(self, contract: type[Message]) -> None:
        self.lists: set[str] = set()
        self.booleans: set[str] = set()
        self.scalars: set[str] = set()
        for name, field in contract.model_fields.items():
            kind = self.scalars
            if _mentions(field.annotation, list):
                kind = self.lists
            elif _mentions(field.annotation, bool):
                kind = self.booleans
            kind.update(names_of(name, field))

    def pick(self, query: MultiMapping[str]) -> dict[str, object]:
        """Return the fields of the contract. Other parameters are ignored, as in MLflow.

        Of a repeated scalar the first value counts. Raises DomainError for a bad boolean.
        """
        fields: dict[str, object] = {}
        for name in query:
            if name in self.lists:
                fields[name] = query.getall(name)
            elif name in self.scalars:
                fields.setdefault(name, query[name])
            elif name in self.booleans:
                fields.setdefault(name, _boolean(query[name]))
        return fields


# A contract has several paths, two mounts and two dialects, and what is read from it is always the same.
@cache
def overlay_of(contract: type[Message]) -> Overlay:
    """Return the overlay of a contract."""
    return Overlay(contract)


@cache
def query_fields_of(contract: type[Message]) -> QueryFields:
    """Return the fields of a contract that a query string may have."""
    return QueryFields(contract)


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        message = f"Invalid boolean value: {text}, must be 'true' or 'false'."
        raise invalid(message)
    return lowered == "true"


def _mentions(annotation: object, wanted: type) -> bool:
    """Return whether ``wanted`` is the annotation, its origin or a member of its union."""
    if annotation is wanted or typing.get_origin(annotation) is wanted:
        return True
    if isinstance(annotation, GenericAlias):
        return False
    return any(_mentions(part, wanted) for part in typing.get_args(annotation))
