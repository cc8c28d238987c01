import pytest

from tests.unit.gateway.artifacts.fake_storage import FakeStorage, presigning
from tests.unit.gateway.fake_bus import FakeBus


@pytest.fixture
async def storage():
    server = FakeStorage()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def bus(storage):
    return presigning(FakeBus(), storage)


@pytest.fixture
def settings(default_settings):
    own = {"max_artifact_bytes": 20 * 1024**2, "direct_artifacts": True}
    return default_settings.model_copy(update=own)
