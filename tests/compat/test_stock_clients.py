"""Unchanged MLflow clients do what they do against MLflow's own server; each script in `clients/` is a topic."""

import pytest

from tests.compat.stock_client import StockClient, minimum_version, scenarios


@pytest.mark.parametrize("scenario", scenarios())
def test_stock_client_finds_mlflow_behaviour(stock_client: StockClient, scenario: str) -> None:
    if stock_client.version < (needed := minimum_version(scenario)):
        pytest.skip(f"MLflow has this since {'.'.join(map(str, needed))}")
    outcome = stock_client.run(scenario)
    assert outcome.code == 0, outcome.output
