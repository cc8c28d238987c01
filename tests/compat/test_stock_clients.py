"""Unchanged MLflow clients do what they do against MLflow's own server; each script in `clients/` is a topic."""

import pytest

from tests.compat.stock_client import (
    GENAI,
    GITLAB_CLIENT,
    StockClient,
    documentation,
    is_about_mlflows_dialect,
    is_for,
    methods,
    topics,
    with_token,
)

through_a_project = pytest.mark.parametrize("tracking_uri", ["project"], indirect=True)


@pytest.mark.parametrize("scenario", topics())
def test_stock_client_finds_mlflow_behaviour(
    stock_client: StockClient, tracking_uri: str, scenario: str
) -> None:
    if is_about_mlflows_dialect(scenario) and "/api/v4/" in tracking_uri:
        pytest.skip("GitLab has other rules for this")
    _check(stock_client, scenario)


@pytest.mark.parametrize("tracking_uri", ["token"], indirect=True)
@pytest.mark.parametrize("scenario", with_token())
def test_stock_client_with_a_token_finds_mlflow_behaviour(
    stock_client: StockClient, scenario: str
) -> None:
    _check(stock_client, scenario)


@pytest.mark.parametrize("tracking_uri", ["stack", "project"], indirect=True)
@pytest.mark.parametrize("scenario", methods())
def test_method_of_gitlabs_table_has_no_caveats_in_either_dialect(
    stock_client: StockClient, scenario: str
) -> None:
    _check(stock_client, scenario)


@pytest.mark.parametrize("tracking_uri", ["stack"], indirect=True)
@pytest.mark.parametrize("scenario", methods(GENAI))
def test_method_of_tracing_and_evaluation_does_what_mlflow_does(
    stock_client: StockClient, scenario: str
) -> None:
    _check(stock_client, scenario)


@through_a_project
@pytest.mark.parametrize("scenario", documentation())
def test_code_of_gitlabs_documentation_runs(stock_client: StockClient, scenario: str) -> None:
    _check(stock_client, scenario)


@through_a_project
@pytest.mark.parametrize("stock_client", ["mlflow-2.22.5"], indirect=True)
@pytest.mark.parametrize("scenario", [GITLAB_CLIENT])
def test_gitlabs_own_client_finds_gitlabs_behaviour(
    stock_client: StockClient, scenario: str
) -> None:
    _check(stock_client, scenario)


def _check(stock_client: StockClient, scenario: str) -> None:
    if not is_for(scenario, stock_client.version):
        pytest.skip("this MLflow does not have it")
    outcome = stock_client.run(scenario)
    assert outcome.code == 0, outcome.output
