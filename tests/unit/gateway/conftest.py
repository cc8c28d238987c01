import pytest
from aiohttp import ClientSession

from services.gateway.settings import Settings
from tests.unit.gateway.fake_bus import FakeBus
from tests.unit.gateway.gateways import Gateways


@pytest.fixture(scope="session")
def default_settings():
    """Reading the environment costs milliseconds, so the settings are copied with `model_copy`."""
    return Settings(port=0)


@pytest.fixture
def settings(default_settings):
    own = {"max_body_bytes": 100_000, "request_timeout": 30, "direct_artifacts": True}
    return default_settings.model_copy(update=own)


@pytest.fixture
def bus():
    return FakeBus()


@pytest.fixture(scope="module")
async def gateways():
    shared = Gateways()
    yield shared
    await shared.close()


@pytest.fixture
async def server(gateways, bus, settings):
    """A gateway of these settings, which other tests of the module use as well."""
    return await gateways.enter(bus, settings)


@pytest.fixture
async def client(server):
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
