"""Whole Warrens, because these tests speak HTTP."""

import aiohttp
import pytest

from tests.integration.gateway.artifacts_api import Artifacts
from tests.warren_fixtures import stack_warren, standalone_warren

__all__ = ["stack_warren", "standalone_warren"]


@pytest.fixture(params=["standalone", "stack"])
def warren(request):
    return request.getfixturevalue(f"{request.param}_warren")


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def artifacts(session, warren):
    return await Artifacts.of_new_run(session, warren.url)
