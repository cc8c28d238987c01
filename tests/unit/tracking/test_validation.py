"""Names of keys, as MLflow judges them."""

import pytest

from services.tracking.names import mlflow_name
from services.tracking.validation import is_run_id
from shared.messaging.messages import new_id
from shared.mlflow.validation import name_fault


@pytest.mark.parametrize(
    "name", ["a", "a/b", "val.loss", "a b", " a", "lr:0", "-x", "é", "数", "a..b", ".a", "__x"]
)
def test_good_names(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    "name", ["/a", "a/", "a//b", "./a", "a/./b", "..", "../a", "a/../b", ".", "a\n", "a$", "a,b"]
)
def test_bad_names(name: str) -> None:
    assert name_fault(name) is not None


@pytest.mark.parametrize("run_id", ["", "a" * 31, "A" * 32, "g" * 32, "a" * 32 + "\n"])
def test_what_is_no_run_id(run_id: str) -> None:
    assert not is_run_id(run_id)


def test_a_run_is_named_by_its_id_alone() -> None:
    run_id = new_id()
    assert is_run_id(run_id.hex)
    assert mlflow_name(run_id) == mlflow_name(run_id)
    assert len({mlflow_name(new_id()) for _ in range(100)}) > 90
