"""Proto-JSON as MLflow's clients send it, and MLflow's words for what is wrong with it."""

import json
import math

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.metrics import LogMetric
from shared.contracts.runs import LogBatch, SearchRuns
from shared.contracts.views import ViewType

HINT = "See the API docs for more information about request parameters."
METRIC = {"run_id": "r", "key": "k", "value": 1, "timestamp": 1}


def refusal(contract, body) -> str:
    with pytest.raises(DomainError) as caught:
        contract.parse(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert caught.value.code == ErrorCode.INVALID_PARAMETER_VALUE
    return caught.value.message


@pytest.mark.parametrize("name", ["run_id", "runId", "run_uuid", "runUuid"])
def test_a_run_is_named_in_any_of_four_ways(name):
    body = {name: "r", "key": "k", "value": 1, "timestamp": 1}
    assert LogMetric.parse(json.dumps(body).encode()).run_id == "r"


@pytest.mark.parametrize(("sent", "read"), [("12", 12), (12, 12), (12.0, 12)])
def test_int64_comes_as_number_or_text(sent, read):
    assert LogMetric.parse(json.dumps(METRIC | {"timestamp": sent}).encode()).timestamp == read


@pytest.mark.parametrize(
    ("sent", "read"), [("0.5", 0.5), ("Infinity", math.inf), ("-Infinity", -math.inf), (2, 2.0)]
)
def test_doubles_come_as_numbers_or_text(sent, read):
    assert LogMetric.parse(json.dumps(METRIC | {"value": sent}).encode()).value == read


def test_nan_is_a_value():
    assert math.isnan(LogMetric.parse(json.dumps(METRIC | {"value": "NaN"}).encode()).value)


def test_null_means_unset_and_unknown_fields_are_ignored():
    batch = LogBatch.parse(b'{"run_id": "r", "metrics": null, "surprise": 1}')
    assert batch.metrics == []


def test_enumerations_come_by_name_or_number():
    assert SearchRuns.parse(b'{"runViewType": "ALL"}').run_view_type is ViewType.ALL
    assert SearchRuns.parse(b'{"run_view_type": 2}').run_view_type is ViewType.DELETED_ONLY


@pytest.mark.parametrize("body", [{}, {"run_id": None}, {"run_id": ""}])
def test_a_missing_parameter_is_named(body):
    assert refusal(LogBatch, body) == f"Missing value for required parameter 'run_id'. {HINT}"


def test_a_wrong_value_is_shown_with_its_path():
    body = {"run_id": "r", "metrics": [{"key": "k", "value": "abc", "timestamp": 1}]}
    message = refusal(LogBatch, body)
    assert message.startswith("Invalid value \"abc\" for parameter 'metrics[0].value' supplied: ")


def test_a_long_value_is_shortened():
    assert len(refusal(LogMetric, METRIC | {"value": "x" * 10_000})) < 500


@pytest.mark.parametrize("body", [b"{", b"[1]", b"7", b'"text"', b"\xff", b'{"run_id": "\\ud800"}'])
def test_what_is_not_a_json_object_is_refused(body):
    assert refusal(LogBatch, body)


def test_nul_is_refused_wherever_it_stands_but_not_its_escape_as_text():
    assert "NUL" in refusal(LogBatch, {"run_id": "r", "tags": [{"key": "k", "value": "\0"}]})
    harmless = {"run_id": "r", "tags": [{"key": "k", "value": "\\u0000"}]}
    assert LogBatch.parse(json.dumps(harmless).encode()).tags[0].value == "\\u0000"


def test_integers_beyond_64_bits_are_refused():
    assert "timestamp" in refusal(LogMetric, METRIC | {"timestamp": 2**63})
