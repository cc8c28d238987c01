"""The schema of an evaluation dataset: the fields of its records, with the type of their first value.

The rules are those of ``_update_dataset_schema`` in MLflow's SQL store.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from services.traces.rules.evaluation_records import Given, write_json
from shared.contracts import limits

_TYPES = ((bool, "boolean"), (int, "integer"), (float, "float"), (str, "string"), (list, "array"))
"""In this order: to Python a bool is an int."""

_EACH = 16
"""Characters of a field besides its name, at least: its type and punctuation."""


def extended(schema: str | None, records: Iterable[Given]) -> str | None:
    """Return a schema with the fields of more records. Fields for which it has no room are left out of it.

    The text is the same if no field is new, and None if there are no records at all.
    """
    given = list(records)
    if not given:
        return schema
    extending = _Extending(schema)
    for record in given:
        extending.add("inputs", record.inputs)
        if isinstance(record.outputs, dict):
            extending.add("outputs", record.outputs)
        elif record.outputs is not None:
            extending.add_value("outputs", record.outputs)
        extending.add("expectations", record.expectations or {})
    return extending.text


class _Extending:
    """A schema that gets more fields."""

    def __init__(self, schema: str | None) -> None:
        empty = {"inputs": {}, "outputs": {}, "expectations": {}, "version": "1.0"}
        self._fields: dict[str, Any] = from_json(schema) if schema else empty
        self._before = schema
        self._changed = schema is None
        self._room = limits.DATASET_SCHEMA - len(schema or "")

    @property
    def text(self) -> str | None:
        """The schema as MLflow writes it."""
        return write_json(self._fields) if self._changed else self._before

    def add(self, part: str, values: Mapping[str, Any]) -> None:
        """Add those fields of a part that are new."""
        known = self._fields[part]
        # The outputs of the first records were no object: they have a type of their own. MLflow fails then.
        if isinstance(known, str):
            return
        for name, value in values.items():
            if name not in known and self._takes(name):
                known[name] = _type_of(value)

    def add_value(self, part: str, value: object) -> None:
        """Set the type of a part whose values are no objects."""
        if not self._fields[part]:
            self._fields[part] = _type_of(value)
            self._changed = True

    def _takes(self, name: str) -> bool:
        # A short name takes no time to write, and a long one has no room.
        size = _EACH + (len(name) if len(name) > self._room else len(write_json(name)))
        if size > self._room:
            return False
        self._room -= size
        self._changed = True
        return True


def _type_of(value: object) -> str:
    if value is None:
        return "null"
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "object")
