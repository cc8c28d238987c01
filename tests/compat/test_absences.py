"""What MLflow's newest server has and Warren has not is on the page, and is none of what Warren is for."""

import pytest

from tests.compat.absences import section
from tests.compat.compatibility import version_of
from tests.compat.conftest import NEWEST, PAGE, absences

WARREN_IS_FOR = {
    "artifacts",
    "experiments",
    "get-artifact",
    "logged-models",
    "metrics",
    "mlflow-artifacts",
    "model-versions",
    "registered-models",
    "upload-artifact",
    "workspaces",
}


@pytest.fixture(scope="module")
def missing():
    return absences()


def test_page_lists_what_is_not_there(missing):
    assert section(missing, version_of(NEWEST)) in PAGE.read_text()


def test_nothing_of_tracking_registry_and_artifacts_is_missing(missing):
    assert {"traces", "webhooks"} <= set(missing)
    assert not WARREN_IS_FOR & set(missing)
    assert [each.endpoint for each in missing.pop("runs")] == ["runs/create-promptlab-run"]
