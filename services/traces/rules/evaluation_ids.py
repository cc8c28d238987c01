"""The ids of evaluation datasets and their records: a prefix and 32 hexadecimal digits, as in MLflow.

A new dataset has the id of its command. A new record has the beginning of its command's id, which is the time, and
its number in the command: so records that came together are read in their order.
"""

import re
from collections.abc import Iterable
from uuid import UUID

_DATASET = re.compile(r"d-([0-9a-f]{32})")
_RECORD = re.compile(r"dr-([0-9a-f]{32})")
_NUMBERS = 32
"""Bits at the end of a record's id."""


def write_dataset_id(dataset_id: UUID) -> str:
    """Return the id as clients know it."""
    return f"d-{dataset_id.hex}"


def read_dataset_id(text: str) -> UUID | None:
    """Return the id of a text; None for a text that no dataset has."""
    found = _DATASET.fullmatch(text)
    return UUID(found[1]) if found else None


def new_record_id(command: UUID, number: int) -> UUID:
    """Return the id of the record with a number that a command makes."""
    return UUID(int=command.int >> _NUMBERS << _NUMBERS | number)


def write_record_id(record_id: UUID) -> str:
    """Return the id as clients know it."""
    return f"dr-{record_id.hex}"


def read_record_ids(texts: Iterable[str]) -> list[UUID]:
    """Return the ids of texts; those that no record has are left out."""
    return [UUID(found[1]) for found in map(_RECORD.fullmatch, texts) if found]
