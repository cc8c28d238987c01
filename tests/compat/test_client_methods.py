"""No method of MLflow's API of tracing and evaluation is missing from the compatibility page."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.compat.conftest import NEWEST, PAGE, venv_of
from tests.compat.stock_client import GENAI, methods
from tests.compat.without_row import WITHOUT_ROW, table

SCRIPT = Path(__file__).with_name("client_methods.py")


@pytest.fixture(scope="module")
def of_the_client() -> set[str]:
    python = venv_of(NEWEST) / "bin" / "python"
    said = subprocess.run((python, SCRIPT), check=True, capture_output=True, text=True)
    return set(json.loads(said.stdout))


def test_each_method_has_a_row_or_a_reason(of_the_client: set[str]) -> None:
    rows = {each.partition(":")[2] for each in methods(GENAI)}
    named = [each for names in WITHOUT_ROW.values() for each in names]
    assert of_the_client - rows - set(named) == set()
    assert set(named) <= of_the_client - rows
    assert len(named) == len(set(named))


def test_page_has_the_reasons() -> None:
    assert table() in PAGE.read_text()
