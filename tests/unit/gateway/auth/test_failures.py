"""Guessed tokens: each is another one, so they are counted by address."""

import asyncio

import pytest
from aiohttp import ClientSession

from services.gateway.app import create_app
from services.gateway.http.server import serve
from services.gateway.http.settings import HttpSettings
from services.gateway.settings import Settings
from shared.contracts.errors import DomainError, ErrorCode
from shared.messaging.messages import Answer

PATHS = (
    "/api/2.0/mlflow/runs/get?run_id=r",
    "/api/v4/projects/7/ml/mlflow/api/2.0/mlflow/runs/get",
)
READ, READ_IN_PROJECT = PATHS
PROXY = {"trusted_proxies": "127.0.0.1"}


@pytest.fixture
def http():
    return {}


@pytest.fixture
async def client(bus, http):
    """Three wrong tokens at once, and then one in ten seconds."""
    own = HttpSettings(auth_failure_rate=0.1, auth_failure_burst=3, **http)
    settings = Settings(port=0, access_mode="token", http=own)
    server = await serve(create_app(bus, settings), settings)
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
    await server.close()


@pytest.fixture
def good(bus):
    return bus.replies["Authorize"]


@pytest.fixture(autouse=True)
def knows_no_token(bus, good):
    bus.replies["Authorize"] = Answer(b'{"state":"unknown"}')


async def get(client, token, path=READ, **headers):
    async with client.get(path, headers={"PRIVATE-TOKEN": token, **headers}) as response:
        return response.status, response.headers.get("Retry-After"), await response.json()


def questions(bus):
    return len([each for _, _, each in bus.sent if each.name == "Authorize"])


@pytest.mark.parametrize(
    "path", [*PATHS, "/api/v4/user", "/api/v4/projects/7/packages/ml_models/1/files/a"]
)
async def test_guesses_beyond_the_limit_are_429_and_not_looked_up(client, bus, path):
    for number in range(3):
        assert (await get(client, f"guess {number}", path))[0] == 401
    status, wait, body = await get(client, "guess 4", path)
    assert (status, wait) == (429, "10")
    assert body["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert "requests with invalid tokens" in body["message"]
    assert questions(bus) == 3


async def test_guesses_that_come_at_once_are_counted_before_they_are_answered(client, bus):
    answers = await asyncio.gather(*(get(client, f"guess {number}") for number in range(20)))
    assert [status for status, _, _ in answers].count(401) == 3
    assert questions(bus) == 3


@pytest.mark.parametrize("state", ["unknown", "expired", "revoked", "blocked"])
async def test_token_that_is_shown_again_and_again_counts_each_time(client, bus, state):
    bus.replies["Authorize"] = Answer(b'{"state":"%s"}' % state.encode())
    statuses = [(await get(client, "old"))[0] for _ in range(5)]
    assert 429 not in statuses[:3]
    assert statuses[3:] == [429, 429]


async def test_token_that_is_known_to_be_good_passes_whatever_else_comes_from_its_address(
    client, bus, good
):
    bus.replies["Authorize"], unknown = good, bus.replies["Authorize"]
    assert (await get(client, "good"))[0] == 200
    bus.replies["Authorize"] = unknown
    for number in range(5):
        await get(client, f"guess {number}")
    assert (await get(client, "good"))[0] == 200
    assert (await get(client, "another"))[0] == 429


async def test_good_tokens_and_lack_of_an_answer_do_not_count(client, bus, good):
    bus.replies["Authorize"] = good
    for number in range(10):
        assert (await get(client, f"good {number}"))[0] == 200
    bus.replies["Authorize"] = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "away")
    for number in range(10):
        status, _, body = await get(client, f"unanswered {number}")
        assert (status, "Authentication is temporarily unavailable" in body["message"]) == (
            429,
            True,
        )


async def test_requests_without_a_token_do_not_count(client):
    for _ in range(10):
        async with client.get(READ) as response:
            assert response.status == 401
    assert (await get(client, "guess"))[0] == 401


async def test_a_client_that_guesses_makes_no_other_client_wait_longer(client, bus, good):
    for number in range(10):
        await get(client, f"guess {number}")
    bus.replies["Authorize"] = good
    bus.reply = DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "full")
    async with client.get("/api/v4/groups") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "1")


@pytest.mark.parametrize("http", [PROXY, {}])
async def test_header_of_a_proxy_counts_only_if_the_proxy_is_trusted(client, http):
    for number in range(4):
        await get(client, f"guess {number}", **{"X-Forwarded-For": "1.2.3.4"})
    status, _, _ = await get(client, "guess", **{"X-Forwarded-For": "1.2.3.5"})
    assert status == (401 if http else 429)
