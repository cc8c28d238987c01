"""The fields of one contract: read from a query string, and put over those of a body.

Only the contract knows of which type a field is, and by which names it is read.
"""

import typing
from collections.abc import Iterator, Mapping
from types import GenericAlias

from multidict import MultiMapping
from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_core import from_json, to_json

from shared.contracts.errors import invalid
from shared.contracts.message import Message


class Overlay:
    """Puts fields that are not the body's to say over its own, by whatever names it calls them.

    Such are the variable parts of the path, and what the gateway finds out. A name that stayed, ``modelId``
    beside ``model_id``, might be the one that the service reads.
    """

    def __init__(self, contract: type[Message]) -> None:
        self._contract = contract
        fields = contract.model_fields.items()
        self._names = {name: frozenset(_names(name, field)) for name, field in fields}

    def put(self, payload: bytes, ours: Mapping[str, object]) -> bytes:
        """Return the payload with our fields; empty is an object without any. Raises DomainError."""
        try:
            fields = from_json(payload or b"{}")
        except ValueError:
            raise self._unreadable(payload) from None
        if not isinstance(fields, dict):
            raise self._unreadable(payload)
        for name in ours:
            for known in self._names.get(name, ()):
                fields.pop(known, None)
        return to_json({**fields, **ours})

    def _unreadable(self, payload: bytes) -> Exception:
        """Return the refusal in the contract's words. Raises DomainError, which is the same."""
        self._contract.parse(payload)
        # The contract reads what we can't put anything over: it must not pass without our fields.
        return invalid("The body must be a JSON object.")


class QueryFields:
    """Turns a query string into the proto-JSON of one contract.

    A query string has no types: only the contract knows which fields are lists or booleans.
    Numbers stay strings, which proto-JSON allows. ``lists``, ``booleans`` and ``scalars`` are the
    names of the fields of each kind, in every way that the contract accepts.
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
            kind.update(_names(name, field))

    def pick(self, query: MultiMapping[str]) -> dict[str, object]:
        """Return the fields of the contract; others are ignored, as MLflow does.

        A scalar that is repeated counts once, the first. Raises DomainError for a bad boolean.
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


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        message = f"Invalid boolean value: {text}, must be 'true' or 'false'."
        raise invalid(message)
    return lowered == "true"


def _names(name: str, field: FieldInfo) -> Iterator[str]:
    """Name the field in every way that its contract accepts."""
    yield name
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        yield from (choice for choice in alias.choices if isinstance(choice, str))
    elif isinstance(alias, str):
        yield alias


def _mentions(annotation: object, wanted: type) -> bool:
    """Tell whether ``wanted`` is the annotation, or its origin, or one of a union's members."""
    if annotation is wanted or typing.get_origin(annotation) is wanted:
        return True
    if isinstance(annotation, GenericAlias):
        return False
    return any(_mentions(part, wanted) for part in typing.get_args(annotation))
