"""The language, compared with MLflow's.

The golden tables hold what MLflow 3.17.2 itself answered: its parser and the comparator checks
of its SQL stores, with the sets in its messages sorted; of `attributes` in searches of experiments
what 3.18.0 answers, which is the first to take it. Deliberate departures are in
`test_departures`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.mlflow.search.grammars import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
)
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.parser import parse_filter

_HERE = Path(__file__).parent
_GRAMMARS = {
    "runs": RUNS,
    "experiments": EXPERIMENTS,
    "registered_models": REGISTERED_MODELS,
    "model_versions": MODEL_VERSIONS,
    "logged_models": LOGGED_MODELS,
}


def _load(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((_HERE / name).read_text())
    return rows


@pytest.mark.parametrize(
    "case", _load("golden_filters.json"), ids=lambda case: f"{case['noun']}: {case['filter']}"
)
def test_a_filter_means_what_it_means_to_mlflow(case: dict[str, Any]) -> None:
    grammar = _GRAMMARS[case["noun"]]
    if "error" in case:
        with pytest.raises(DomainError) as caught:
            parse_filter(case["filter"], grammar)
        assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
        assert caught.value.message == case["error"]
        return
    assert [
        [part.entity, part.key, part.comparator, _as_json(part.value)]
        for part in parse_filter(case["filter"], grammar)
    ] == case["comparisons"]


@pytest.mark.parametrize(
    "case", _load("golden_order_by.json"), ids=lambda case: f"{case['noun']}: {case['order_by']}"
)
def test_an_order_means_what_it_means_to_mlflow(case: dict[str, Any]) -> None:
    grammar = _GRAMMARS[case["noun"]]
    if "error" in case:
        with pytest.raises(DomainError) as caught:
            parse_order_by(case["order_by"], grammar)
        assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
        assert caught.value.message == case["error"]
        return
    assert [
        [part.entity, part.key, part.ascending]
        for part in parse_order_by(case["order_by"], grammar)
    ] == case["orders"]


def _as_json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
