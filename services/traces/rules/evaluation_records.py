"""Records of evaluation datasets: read from MLflow's JSON, and merged.

The rules are those of ``upsert_dataset_records`` in MLflow's SQL store, of ``DatasetRecord`` and of
``DatasetRecordSource``. MLflow answers most mistakes with an internal error; here they are refused.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from shared.contracts import limits
from shared.contracts.errors import DomainError, invalid
from shared.mlflow.validation import check_length

USER = "mlflow.user"
"""The tag that says who has sent a record, or a dataset."""

LONGEST_USER = 255
SOURCE_TYPES = ("UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE")

Object = dict[str, Any]

write_json = json.JSONEncoder().encode
"""Writes JSON as MLflow does: a client compares the texts of schemas, and inputs are hashed."""

_write_sorted = json.JSONEncoder(sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Source:
    """Where a record comes from; ``text`` is the JSON of its type and data."""

    type: str
    id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Given:
    """A record of a request. ``outputs`` count if ``has_outputs``; ``user`` is the value of the tag ``mlflow.user``."""

    input_hash: bytes
    inputs: Object
    has_outputs: bool
    outputs: Any
    expectations: Object | None
    tags: Object
    source: Source | None
    user: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What a merge can change of a record that exists. The texts are JSON."""

    outputs: str | None
    expectations: str | None
    tags: str
    last_updated_by: str | None


@dataclass(frozen=True, slots=True)
class Merged(Stored):
    """A record to store. If it exists, the fields that a merge can't change are not written."""

    input_hash: bytes
    inputs: str
    source: Source | None
    created_by: str | None

    @property
    def size(self) -> int:
        """The characters of its JSON."""
        source = self.source.text if self.source else None
        texts = (self.inputs, self.outputs, self.expectations, self.tags, source)
        return sum(len(text) for text in texts if text)


def read_records(text: str) -> list[Given]:
    """Read the JSON of a list of records. Raises DomainError for anything else."""
    try:
        records = from_json(text)
    except ValueError as error:
        message = f"Malformed JSON in 'records': {error}."
        raise invalid(message, "records") from None
    if not isinstance(records, list):
        message = "'records' must be the JSON of a list of records."
        raise invalid(message, "records")
    if len(records) > limits.DATASET_RECORDS:
        message = f"'records' can contain at most {limits.DATASET_RECORDS} elements."
        raise invalid(message, "records")
    return [_given(record, f"records[{index}]") for index, record in enumerate(records)]


def _given(record: object, path: str) -> Given:
    if not isinstance(record, dict):
        message = f"Each record must be a dictionary: '{path}'."
        raise invalid(message, path)
    # MLflow compares inputs by this text, so 1 and 1.0 differ.
    inputs = record.get("inputs", {})
    if not isinstance(inputs, dict):
        raise _no_object(f"{path}.inputs")
    tags = _object(record, "tags", path) or {}
    return Given(
        hashlib.sha256(_write_sorted(inputs).encode()).digest(),
        inputs,
        "outputs" in record,
        record.get("outputs"),
        _object(record, "expectations", path),
        tags,
        _source(_object(record, "source", path), f"{path}.source"),
        read_user(tags, f"{path}.tags"),
    )


def _object(record: Object, name: str, path: str) -> Object | None:
    """Return a field that is an object or unset. pandas writes NaN where a row of a DataFrame has no value."""
    value = record.get(name)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, dict):
        raise _no_object(f"{path}.{name}")
    return value


def _no_object(path: str) -> DomainError:
    return invalid(f"'{path}' must be a dictionary.", path)


def read_user(tags: Mapping[str, Any], path: str) -> str | None:
    """Return the user whom tags name. Raises DomainError for what is no name."""
    user = tags.get(USER)
    if user is None:
        return None
    return _plain(user, f"{path}.{USER}")


def _plain(value: object, path: str) -> str:
    """Return a text that is stored beside the JSON, where a NUL has no escape."""
    if not isinstance(value, str) or "\0" in value:
        message = f"'{path}' must be a text without NUL characters."
        raise invalid(message, path)
    check_length(path, LONGEST_USER, value)
    return value


def _source(source: Object | None, path: str) -> Source | None:
    if not source:
        return None
    data = source.get("source_data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise _no_object(f"{path}.source_data")
    kind = source.get("source_type")
    if not isinstance(kind, str) or source.keys() - {"source_type", "source_data"}:
        message = f"'{path}' must consist of 'source_type', a text, and 'source_data'."
        raise invalid(message, path)
    kind = kind.upper()
    if kind not in SOURCE_TYPES:
        message = (
            f"Invalid dataset record source type: {kind:.200}. "
            f"Valid source types: {list(SOURCE_TYPES)}"
        )
        raise invalid(message, path)
    key = "trace_id" if kind == "TRACE" else "source_id"
    named = data.get(key)
    if isinstance(named, int | float):
        named = str(named)
    return Source(
        kind,
        None if named is None else _plain(named, f"{path}.source_data.{key}"),
        write_json({"source_type": kind, "source_data": data}),
    )


def merge(stored: Stored | None, given: Sequence[Given]) -> Merged:
    """Merge records of a request, which have the same inputs, into the stored one, in their order.

    Outputs are replaced. Expectations and tags are added to those that are there, or replace them key by key.
    Raises DomainError if the record becomes too large.
    """
    first, *others = given
    if stored is None:
        user = created_by = first.user
        outputs = write_json(first.outputs if first.has_outputs else {})
        expectations = first.expectations
        tags = dict(first.tags)
    else:
        others, created_by, user = list(given), None, stored.last_updated_by
        outputs = stored.outputs or _NULL
        expectations = from_json(stored.expectations) if stored.expectations else None
        tags = from_json(stored.tags)
    for each in others:
        if each.has_outputs:
            outputs = write_json(each.outputs)
        if each.expectations:
            expectations = {**(expectations or {}), **each.expectations}
        tags.update(each.tags)
        user = each.user or user
    merged = Merged(
        None if outputs == _NULL else outputs,
        None if expectations is None else write_json(expectations),
        write_json(tags),
        user,
        first.input_hash,
        write_json(first.inputs),
        first.source,
        created_by,
    )
    if merged.size > limits.RECORD_JSON:
        raise too_large()
    return merged


_NULL = "null"


def too_large() -> DomainError:
    """Return the error for a record that is too large to be read again."""
    return invalid(
        f"A record can contain at most {limits.RECORD_JSON} characters of JSON.", "records"
    )
