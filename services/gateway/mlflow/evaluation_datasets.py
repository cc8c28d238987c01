"""Merges the records of a large request into an evaluation dataset command by command.

MLflow's clients send all records of a call in one request, of any size. Where they are cut is found without making
objects of all of them: those of a body of 24 MB take 300 MB.
"""

import asyncio
import json
import re
from collections.abc import Iterator

from services.gateway.service_client import ServiceClient
from shared.contracts import limits
from shared.contracts.errors import DomainError, invalid
from shared.contracts.evaluation_datasets import UpsertDatasetRecords, UpsertDatasetRecordsReply

_BEGIN = re.compile(r"[ \t\n\r]*\[[ \t\n\r]*(\][ \t\n\r]*\Z)?")
_NEXT = re.compile(r"[ \t\n\r]*(?:,[ \t\n\r]*|(\][ \t\n\r]*\Z))")
"""What stands before a record, or at the end of the list, which is the group."""

_SMALL_RECORD = 65_536
"""Characters that are read of a record at first."""

_read = json.JSONDecoder().raw_decode


async def upsert_records(payload: bytes, services: ServiceClient, key: str | None) -> bytes:
    """Merge the records of a request. Few of them go on unread, as other bodies do.

    Others are read before the first command is sent, so that nothing is stored of a request that is no list of records.
    If a command fails, those before it stay: the client sends all of them again, and a record is never stored twice.
    """
    # Each record has a brace.
    are_few = payload.count(b"{") <= limits.DATASET_RECORDS
    if are_few and len(payload) <= limits.RECORDS_JSON:
        return await services.forward(UpsertDatasetRecords, payload, key)
    command = UpsertDatasetRecords.parse(payload)
    portions = await cut(command.records)
    if len(portions) == 1:
        return await services.forward(UpsertDatasetRecords, payload, key)
    total = UpsertDatasetRecordsReply(inserted_count=0, updated_count=0)
    for start, end in portions:
        records = f"[{command.records[start:end]}]"
        reply = await services.send(command.model_copy(update={"records": records}), key)
        merged = UpsertDatasetRecordsReply.model_validate_json(reply)
        total.inserted_count += merged.inserted_count
        total.updated_count += merged.updated_count
        key = None
    return total.model_dump_json().encode()


async def cut(text: str) -> list[tuple[int, int]]:
    """Return where the records of each command begin and end in a JSON list. Raises DomainError if it is none of objects."""
    portions: list[tuple[int, int]] = []
    first = last = count = 0
    for start, end in _records(text):
        if count == limits.DATASET_RECORDS or (count and end - first > limits.RECORDS_JSON):
            portions.append((first, last))
            count = 0
            # Other requests take their turn.
            await asyncio.sleep(0)
        first = first if count else start
        last, count = end, count + 1
    return [*portions, (first, last)]


def _records(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each record of a JSON list begins and ends. Each is read, and forgotten."""
    found = _BEGIN.match(text)
    while found and not found[1]:
        start = found.end()
        end = _end_of_record(text, start)
        yield start, end
        found = _NEXT.match(text, end)
    if found is None:
        raise _no_list()


def _end_of_record(text: str, start: int) -> int:
    try:
        record, size = _read_record(text, start)
    except ValueError:
        raise _no_list() from None
    except RecursionError:
        message = "A record is nested too deeply."
        raise invalid(message, "records") from None
    if not isinstance(record, dict):
        message = "Each record must be a dictionary."
        raise invalid(message, "records")
    return start + size


def _read_record(text: str, start: int) -> tuple[object, int]:
    """Return the value that begins there and its length. Raises ValueError if it has no end, DomainError if it is large.

    Nothing else runs while a value is read. So twice as much is looked at each time, and not if it has too many values.
    """
    room = _SMALL_RECORD
    while True:
        window = text[start : start + room]
        if room > _SMALL_RECORD and window.count(",") > limits.RECORD_VALUES:
            message = f"A record can contain at most {limits.RECORD_VALUES} values."
            raise invalid(message, "records")
        try:
            return _read(window)
        except json.JSONDecodeError as error:
            if start + room >= len(text) or not _is_cut(error, window):
                raise
        if room > limits.RECORD_JSON:
            message = f"A record can contain at most {limits.RECORD_JSON} characters of JSON."
            raise invalid(message, "records")
        room = min(2 * room, limits.RECORD_JSON + 1)


def _is_cut(error: json.JSONDecodeError, window: str) -> bool:
    """Tell whether JSON is wrong because its end is missing. Words and escapes have less than ten characters."""
    return error.msg.startswith("Unterminated") or error.pos > len(window) - 10


def _no_list() -> DomainError:
    return invalid("'records' must be the JSON of a list of records.", "records")
