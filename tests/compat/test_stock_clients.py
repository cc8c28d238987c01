"""Unchanged MLflow clients do what they do against MLflow's own server; each script in `clients/` is a topic."""

import pytest

from tests.compat.stock_client import StockClient, scenarios


@pytest.mark.parametrize("scenario", scenarios())
def test_stock_client_finds_mlflow_behaviour(stock_client: StockClient, scenario: str) -> None:
    outcome = stock_client.run(scenario)
    assert outcome.code == 0, outcome.output
