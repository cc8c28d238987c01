"""Requests with a session: what they may do, and which pages may send them."""

import json

import pytest

from shared.contracts.token_digests import digest_of
from shared.messaging.messages import Answer
from tests.unit.gateway.sign_in.browser import (
    BROWSER,
    FOREIGN,
    NAVIGATION,
    OWN,
    READ,
    SEARCH,
    SESSION,
    TOKEN,
    get,
    names,
)


async def test_clients_keep_their_challenge_and_the_ui_gets_none(client):
    answer = await get(client, READ)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    for headers in (BROWSER, OWN, {**BROWSER, **SESSION}):
        if "Cookie" in headers:
            continue
        answer = await get(client, READ, **headers)
        body = await answer.json()
        assert (answer.status, body["error_code"]) == (401, "UNAUTHENTICATED")
        assert "Sign in again" in body["message"]
        assert "WWW-Authenticate" not in answer.headers


async def test_ended_session_is_refused_with_mlflows_error_and_asked_for_once(client, bus):
    bus.replies["AuthorizeSession"] = Answer(b'{"state": "unknown"}')
    for _ in range(5):
        answer = await get(client, READ, **OWN, **SESSION)
        assert (answer.status, (await answer.json())["error_code"]) == (401, "UNAUTHENTICATED")
    assert names(bus) == ["AuthorizeSession"]
    answer = await get(client, "/", **NAVIGATION, **SESSION)
    assert answer.status == 303


async def test_session_acts_for_its_user_in_projects_and_workspaces(client, bus):
    for path, headers, asked in (
        (READ, {}, {"project": "", "workspace": ""}),
        (READ, {"X-MLFLOW-WORKSPACE": "team--p"}, {"project": "", "workspace": "team--p"}),
        (
            "/api/v4/projects/team%2Fp/ml/mlflow" + READ,
            {},
            {"project": "team/p", "workspace": ""},
        ),
    ):
        bus.sent.clear()
        answer = await get(client, path, **OWN, **SESSION, **headers)
        assert answer.status == 200
        question, request = (envelope for _, _, envelope in bus.sent)
        assert json.loads(question.payload) == {"session_digest": digest_of("secret"), **asked}
        assert (request.project, request.user_id, request.name) == (7, 42, "GetRun")


async def test_token_wins_over_the_session(client, bus):
    await get(client, READ, **OWN, **SESSION, Authorization=f"Bearer {TOKEN}")
    assert names(bus) == ["Authorize", "GetRun"]


async def test_session_makes_no_tokens_and_no_members(client, bus):
    answer = await client.post(
        "/api/v4/users/1/personal_access_tokens", json={}, headers={**OWN, **SESSION}
    )
    assert answer.status == 401
    assert not bus.sent


@pytest.mark.parametrize("headers", FOREIGN)
async def test_change_by_another_page_is_refused(client, bus, headers):
    answer = await client.post(SEARCH, json={}, headers={**SESSION, **headers})
    body = await answer.json()
    assert (answer.status, body["error_code"]) == (403, "PERMISSION_DENIED")
    assert "own pages" in body["message"]
    assert not bus.sent


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
        {"Origin": "http://localhost:3000"},
    ],
)
async def test_read_by_another_page_is_refused(client, bus, headers):
    assert (await get(client, READ, **SESSION, **headers)).status == 403
    assert not bus.sent


async def test_own_page_is_known_by_its_origin_where_browsers_send_nothing_else(client):
    headers = {**SESSION, "Origin": client.origin}
    assert (await client.post(SEARCH, json={}, headers=headers)).status == 200


async def test_link_on_another_page_opens_the_ui(client):
    headers = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}
    assert (await get(client, READ, **SESSION, **headers)).status == 200


async def test_ui_learns_who_is_signed_in(client):
    for mount in ("", "/api/v4/projects/7/ml/mlflow"):
        answer = await get(client, f"{mount}/ajax-api/2.0/mlflow/users/current", **OWN, **SESSION)
        user = {"id": 42, "username": "ann<b>", "is_admin": False}
        assert await answer.json() == {"user": user, "is_basic_auth": False}
    answer = await get(client, "/ajax-api/2.0/mlflow/users/current", **OWN)
    assert answer.status == 401


async def test_readers_write_is_refused_with_a_message(client):
    answer = await client.post(
        "/ajax-api/2.0/mlflow/runs/create", json={}, headers={**OWN, **SESSION}
    )
    body = await answer.json()
    assert (answer.status, body["error_code"]) == (403, "PERMISSION_DENIED")
    assert "Developer role" in body["message"]


class TestOpenMode:
    @pytest.fixture
    def settings(self, with_ui):
        return with_ui(access_mode="open")

    async def test_needs_no_sign_in_and_says_so(self, client, bus):
        assert (await get(client, "/", **NAVIGATION)).status != 303
        text = await (await client.get("/-/sign-in?to=/x")).text()
        assert "needs no sign-in" in text
        assert 'href="../x"' in text
        answer = await get(client, "/ajax-api/2.0/mlflow/users/current", **OWN)
        assert await answer.json() == {}
        assert not bus.sent

    async def test_other_projects_take_one(self, client):
        answer = await get(client, "/api/v4/projects/7/ml/mlflow/", **NAVIGATION)
        assert answer.status == 303

    @pytest.mark.parametrize("headers", [*FOREIGN, OWN])
    async def test_ended_or_foreign_session_counts_as_none(self, client, bus, headers):
        bus.replies["AuthorizeSession"] = Answer(b'{"state": "unknown"}')
        answer = await client.post(SEARCH, json={}, headers={**SESSION, **headers})
        assert answer.status == 200
        assert bus.envelope.user_id is None
