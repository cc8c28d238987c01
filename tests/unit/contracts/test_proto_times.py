"""Timestamps and durations of protobuf, in proto-JSON."""

import pytest

from shared.contracts.errors import DomainError
from shared.contracts.proto_times import (
    read_duration,
    read_timestamp,
    write_duration,
    write_timestamp,
)
from shared.contracts.traces import StartTraceV3

BODY = '{"trace": {"trace_info": {"trace_id": "tr-1", "trace_location": {}, %s}}}'


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2025-01-01T00:00:00.123Z", 1735689600123),
        ("2025-01-01T00:00:00.123456789Z", 1735689600123),
        ("2025-01-01T02:00:00.5+02:00", 1735689600500),
    ],
)
def test_a_timestamp_is_read_in_milliseconds(text, milliseconds):
    assert read_timestamp(text) == milliseconds
    assert read_timestamp(write_timestamp(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0s", 0), ("2s", 2000), ("1.5s", 1500), ("0.000999999s", 0), ("-0.25s", -250)],
)
def test_a_duration_is_read_in_milliseconds(text, milliseconds):
    assert read_duration(text) == milliseconds
    assert read_duration(write_duration(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    "field",
    [
        '"request_time": "yesterday"',
        '"request_time": "2025-01-01T00:00:00"',
        '"request_time": "1969-12-31T23:59:59Z"',
        '"request_time": true',
        '"request_time": 1.5',
        '"execution_duration": "1.5"',
        '"execution_duration": "1m"',
        '"execution_duration": []',
    ],
)
def test_other_values_are_refused(field):
    with pytest.raises(DomainError, match=field[1:].partition('"')[0]):
        StartTraceV3.parse((BODY % field).encode())
