"""One stack for all tests of this folder, which run in the order of their file.

WARREN_COMPOSE_LOGS names a file that gets the containers' logs before they are removed.
"""

import shutil
from collections.abc import Iterator

import pytest

from tests.compat.conftest import venv_of
from tests.compat.stock_client import StockClient
from tests.compose.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if shutil.which("docker") is None:
        pytest.fail("these tests need Docker with Compose", pytrace=False)
    stack = Stack(tmp_path_factory.mktemp("compose"))
    stack.down("-v")
    try:
        stack.up()
        yield stack
    finally:
        stack.down("-v")


@pytest.fixture(scope="session")
def stock_client(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockClient]:
    directory = tmp_path_factory.mktemp("client")
    client = StockClient(venv_of("mlflow-latest"), stack.url, directory, stack.token)
    with client:
        yield client
