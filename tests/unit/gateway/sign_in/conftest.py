"""A gateway that asks for tokens and has a UI, without services behind it."""

import json

import pytest
from aiohttp import ClientSession, DummyCookieJar

from shared.messaging.messages import Answer
from tests.unit.gateway.sign_in.browser import GOOD


@pytest.fixture
def bus(bus):
    for name in ("Authorize", "AuthorizeSession"):
        bus.replies[name] = Answer(json.dumps(GOOD).encode())
    bus.replies["CreateSession"] = Answer(b'{"username": "ann", "expiry_time": 1}')
    bus.replies["ListWorkspaces"] = Answer(
        b'{"workspaces": [{"name": "team--p", "description": ""}]}'
    )
    bus.replies["ListSessions"] = Answer(b'{"sessions": []}')
    return bus


@pytest.fixture
def with_ui(default_settings, tmp_path_factory):
    """Settings of a gateway that asks for tokens and has a UI; other arguments replace them."""
    directory = tmp_path_factory.getbasetemp() / "ui-for-signing-in"
    directory.mkdir(exist_ok=True)
    (directory / "index.html").write_text("<html><head></head><body>UI</body></html>")
    own = {"access_mode": "token", "ui_directory": directory}

    def settings(**others):
        return default_settings.model_copy(update=own | others)

    return settings


@pytest.fixture
def settings(with_ui):
    return with_ui()


@pytest.fixture
async def client(server):
    origin = f"http://127.0.0.1:{server.port}"
    async with ClientSession(origin, cookie_jar=DummyCookieJar()) as session:
        session.origin = origin
        yield session
