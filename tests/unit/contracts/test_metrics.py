"""A point has the same fields wherever it is sent."""

import pytest
from pydantic import TypeAdapter

from shared.contracts.errors import DomainError
from shared.contracts.metrics import LogMetric, Metric, Point


def fields(schema):
    """Return each field's schema without its title, its default and null, which means unset."""
    found = {}
    for name, field in schema["properties"].items():
        (kept,) = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
        found[name] = {k: v for k, v in kept.items() if k not in ("default", "title")}
    return found


def test_a_batch_and_a_single_call_take_the_same_fields():
    batched = TypeAdapter(Point).json_schema()
    single = Metric.model_json_schema()
    assert fields(batched) == fields(single)
    assert batched["required"] == single["required"]


def test_a_single_point_is_what_a_batch_would_hold():
    sent = b'{"run_id": "r", "key": "m", "value": 0.5, "timestamp": 1, "model_id": "m-1"}'
    point = LogMetric.parse(sent).point
    read = {name: point.get(name) for name in Point.__annotations__}
    assert read == {
        "key": "m",
        "value": 0.5,
        "timestamp": 1,
        "step": 0,
        "model_id": "m-1",
        "dataset_name": None,
        "dataset_digest": None,
    }


def test_a_missing_run_is_refused_before_a_missing_key():
    with pytest.raises(DomainError, match="'run_id'"):
        LogMetric.parse(b"{}")
