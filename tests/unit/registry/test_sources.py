"""Sources of model versions, judged by their text."""

import time

import pytest

from services.registry import sources
from services.registry.sources import ModelUri
from shared.contracts.errors import DomainError, ErrorCode


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        ("models:/m/1", ModelUri(name="m", version="1")),
        ("models:/m/Production", ModelUri(name="m", stage="Production")),
        ("models:/m/1.0.0", ModelUri(name="m", stage="1.0.0")),
        ("models:/m/LATEST", ModelUri(name="m")),
        ("models:/m@best", ModelUri(name="m", alias="best")),
        ("models:/a@b@best", ModelUri(name="a@b", alias="best")),
        ("models:/m-123", ModelUri(model_id="m-123")),
    ],
)
def test_model_uris_mean_what_they_mean_to_mlflow(source: str, uri: ModelUri) -> None:
    assert sources.parse_model_uri(source) == uri


@pytest.mark.parametrize("source", ["models:", "models:/", "models:/ ", "models:/a/", "models:a/1"])
def test_other_model_uris_are_refused(source: str) -> None:
    with pytest.raises(DomainError):
        sources.parse_model_uri(source)


@pytest.mark.parametrize(
    ("source", "local"),
    [
        ("/a", True),
        ("a/b", True),
        ("", True),
        ("file:///a", True),
        ("file:/a", True),
        ("file://localhost/a", True),
        ("s3://b/p", False),
        ("runs:/r/m", False),
        ("http://localhost/a", False),
    ],
)
def test_local_paths(source: str, local: bool) -> None:
    assert sources.is_local(source) is local


@pytest.mark.parametrize(
    ("root", "source", "inside"),
    [
        ("mlflow-artifacts:/7/0/r/artifacts", "mlflow-artifacts:/7/0/r/artifacts/m", True),
        ("mlflow-artifacts:/7/0/r/artifacts", "mlflow-artifacts:/7/0/r/artifacts", True),
        ("mlflow-artifacts:/7/0/r/artifacts", "mlflow-artifacts:/7/0/r/artifacts2", False),
        ("mlflow-artifacts:/7/0/r/artifacts", "mlflow-artifacts:/7/0/s/artifacts/m", False),
        ("mlflow-artifacts:/7/0/r%61", "mlflow-artifacts:/7//0/ra/m", True),
        ("mlflow-artifacts:/7/0/r", "mlflow-artifacts://host/7/0/r", False),
        ("mlflow-artifacts:/7/0/r", "s3:/7/0/r", False),
        ("s3://b", "s3://b/x", False),
    ],
)
def test_what_lies_below_a_location(root: str, source: str, inside: bool) -> None:
    assert sources.contains(root, source) is inside


@pytest.mark.parametrize(
    ("source", "served"),
    [
        ("mlflow-artifacts:/7/0", True),
        ("https://h/api/2.0/mlflow-artifacts/artifacts/7", True),
        ("https://h/prefix/api/2.0/mlflow-artifacts/artifacts", True),
        ("https://h/api/2.0/mlflow-artifacts", False),
        ("s3://b/api/2.0/mlflow-artifacts/artifacts/7", False),
    ],
)
def test_what_an_mlflow_server_serves(source: str, served: bool) -> None:
    assert sources.is_artifact_route(source) is served


def test_encoding_upon_encoding_takes_no_time() -> None:
    started = time.perf_counter()
    with pytest.raises(DomainError) as caught:
        sources.check_path("s3://b/" + "%25" * 600 + "2e%2e/x/../y")
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    assert time.perf_counter() - started < 1
