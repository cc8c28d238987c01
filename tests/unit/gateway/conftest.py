import pytest
from aiohttp import ClientSession

from services.gateway.app import create_app
from services.gateway.http.server import serve
from services.gateway.settings import Settings
from tests.unit.gateway.fake_bus import FakeBus


@pytest.fixture
def settings():
    return Settings(port=0, max_body_bytes=100_000, request_timeout=30, direct_artifacts=True)


@pytest.fixture
def bus():
    return FakeBus()


@pytest.fixture
async def server(bus, settings):
    running = await serve(create_app(bus, settings), settings)
    yield running
    await running.close()


@pytest.fixture
async def client(server):
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
