"""Signing in with a browser, on a gateway without services behind it."""

import json
import re
from urllib.parse import urljoin

import pytest

from services.gateway.app import create_app
from services.gateway.http.server import serve
from services.gateway.http.settings import HttpSettings
from services.gateway.sign_in.forms import form_token
from shared.contracts.token_digests import digest_of
from shared.messaging.messages import Answer
from tests.unit.gateway.sign_in.browser import (
    GOOD,
    NAVIGATION,
    OWN,
    READ,
    SESSION,
    TOKEN,
    get,
    names,
    sign_in,
)


@pytest.mark.parametrize(
    ("path", "location", "target"),
    [
        ("/", "./-/sign-in?to=/", "/"),
        (
            "/api/v4/projects/7/ml/mlflow/",
            "../../../../../../-/sign-in?to=/api/v4/projects/7/ml/mlflow/",
            "/api/v4/projects/7/ml/mlflow/",
        ),
        (
            "/get-artifact?path=a%20b&run_id=r",
            "./-/sign-in?to=/get-artifact%3Fpath%3Da%2520b%26run_id%3Dr",
            "/get-artifact?path=a%20b&run_id=r",
        ),
    ],
)
async def test_navigation_without_a_token_leads_to_the_form_and_back(
    client, path, location, target
):
    answer = await get(client, path, **NAVIGATION, **{"User-Agent": "Mozilla/5.0"})
    assert (answer.status, answer.headers["Location"]) == (303, location)
    assert "WWW-Authenticate" not in answer.headers
    page = urljoin(client.origin + path, location)
    assert page.startswith(f"{client.origin}/-/sign-in?to=")
    shown = await (await client.get(page.removeprefix(client.origin))).text()
    assert f'name="to" value="{target.replace("&", "&amp;")}"' in shown


async def test_page_is_shown_to_those_who_are_signed_in_or_send_a_token(client, bus):
    for headers in (
        SESSION,
        {"Authorization": f"Bearer {TOKEN}"},
        {"Cookie": "mlflow-request-header-Authorization=Bearer%20x"},
    ):
        answer = await get(client, "/", **NAVIGATION, **headers)
        assert answer.status != 303, headers
    assert names(bus) == ["AuthorizeSession"]
    assert bus.parameters["session_digest"] == digest_of("secret")


async def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(client, bus):
    answer = await sign_in(client, to="/#/experiments/1")
    assert (answer.status, answer.headers["Location"]) == (303, "../#/experiments/1")
    cookie = answer.cookies["warren-session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["secure"], cookie["domain"], cookie["max-age"]) == ("", "", "43200")
    assert TOKEN not in str(answer.headers)
    made = next(envelope for _, _, envelope in bus.sent if envelope.name == "CreateSession")
    assert json.loads(made.payload) == {
        "token_digest": digest_of(TOKEN),
        "new_digest": digest_of(cookie.value),
        "seconds": 43200,
    }
    assert all(TOKEN not in repr(envelope) for _, _, envelope in bus.sent)


async def test_each_sign_in_makes_another_secret_and_ends_the_former_session(client, bus):
    fixed = {"Cookie": "warren-session=fixed"}
    secrets = set()
    for _ in range(2):
        shown = await client.get("/-/sign-in")
        (name, cookie) = next(iter(shown.cookies.items()))
        headers = {**OWN, "Cookie": f"{fixed['Cookie']}; {name}={cookie.value}"}
        form = {"form": form_token(cookie.value), "to": "/", "token": TOKEN}
        answer = await client.post("/-/sign-in", data=form, headers=headers, allow_redirects=False)
        secrets.add(answer.cookies["warren-session"].value)
        assert names(bus)[-1] == "EndSession"
        assert bus.parameters == {"session_digest": digest_of("fixed")}
    assert len(secrets) == 2
    assert "fixed" not in secrets


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\nSet-Cookie: a=b",
        "/ä",
        "",
        "/" + "a" * 5000,
    ],
)
async def test_signing_in_leads_to_this_server_alone(client, to):
    answer = await sign_in(client, to=to)
    assert (answer.status, answer.headers["Location"]) == (303, "../")
    shown = await client.get("/-/sign-in", params={"to": to})
    assert 'name="to" value="/"' in await shown.text()


@pytest.mark.parametrize("to", ["/x//evil.example", "/.//evil.example", "/..//evil.example"])
async def test_redirects_stay_on_this_server_whatever_the_path(client, to):
    location = (await sign_in(client, to=to)).headers["Location"]
    assert urljoin(f"{client.origin}/-/sign-in", location).startswith(f"{client.origin}/")


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"form": "0" * 64}, {}, 403),
        ({"form": ""}, {}, 403),
        ({}, {"Cookie": "warren-form=another"}, 403),
        ({}, {"Cookie": ""}, 403),
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, {"Sec-Fetch-Site": "same-site"}, 403),
        ({}, {"Content-Type": "text/plain"}, 400),
    ],
)
async def test_form_of_another_page_makes_no_session(client, bus, fields, headers, status):
    answer = await sign_in(client, headers, **fields)
    assert answer.status == status
    assert "warren-session" not in answer.cookies
    assert 'role="alert"' in await answer.text()
    assert not bus.sent


@pytest.mark.parametrize(
    ("state", "status", "message"),
    [
        ({"state": "unknown"}, 401, "The token is invalid."),
        ({"state": "expired"}, 401, "The token is expired."),
        ({"state": "revoked"}, 401, "The token was revoked."),
        ({"state": "blocked"}, 403, "Your account has been blocked."),
        ({"scopes": ["read_user"]}, 403, "scopes are not sufficient"),
    ],
)
async def test_refused_token_is_explained_beside_the_form(client, bus, state, status, message):
    bus.replies["Authorize"] = Answer(json.dumps({**GOOD, **state}).encode())
    answer = await sign_in(client, to="/#/experiments/1")
    text = await answer.text()
    assert answer.status == status
    assert message in text
    assert 'value="/#/experiments/1"' in text
    assert TOKEN not in text
    assert "WWW-Authenticate" not in answer.headers
    assert "warren-session" not in answer.cookies


class TestWrongTokens:
    @pytest.fixture
    async def server(self, bus, with_ui):
        settings = with_ui(http=HttpSettings(auth_failure_rate=0.1, auth_failure_burst=3))
        running = await serve(create_app(bus, settings), settings)
        yield running
        await running.close()

    async def test_are_counted_as_those_of_clients(self, client, bus):
        bus.replies["Authorize"] = Answer(b'{"state": "unknown"}')
        statuses = [(await sign_in(client, token=f"{TOKEN}{n}")).status for n in range(4)]
        assert statuses == [401, 401, 401, 429]
        limited = await client.get(READ, headers={"Authorization": "Bearer guess"})
        assert limited.status == 429


@pytest.mark.parametrize("path", ["/-/sign-in", "/-/account"])
@pytest.mark.parametrize("headers", [{}, SESSION])
async def test_pages_run_no_script_but_their_own_and_are_not_kept(client, path, headers):
    answer = await client.get(path, headers=headers)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    text = await answer.text()
    assert not re.search(r"<script>|\son\w+=|<style|style=", text)
    assert "<b>" not in text
    for name in re.findall(r'(?:src|href)="([\w.-]+\.(?:js|css))"', text):
        assert (await client.get(f"/-/{name}")).status == 200


async def test_account_page_tells_who_is_signed_in_and_which_projects_there_are(client):
    text = await (await client.get("/-/account", headers=SESSION)).text()
    assert "ann&lt;b&gt;" in text
    assert 'href="../#/experiments?workspace=team--p"' in text
    assert text.count('action="sign-out"') == 2


@pytest.mark.parametrize("everywhere", [False, True])
async def test_signing_out_ends_the_session_and_its_cookie(client, bus, everywhere):
    form = {"form": form_token("secret"), **({"everywhere": "1"} if everywhere else {})}
    answer = await client.post(
        "/-/sign-out", data=form, headers={**OWN, **SESSION}, allow_redirects=False
    )
    assert (answer.status, answer.headers["Location"]) == (303, "sign-in")
    assert answer.cookies["warren-session"]["max-age"] == "0"
    assert bus.parameters == {"session_digest": digest_of("secret")}
    assert ("EndSessions" in names(bus)) is everywhere


@pytest.mark.parametrize("form", [{}, {"form": form_token("another")}])
async def test_another_page_ends_no_session(client, bus, form):
    answer = await client.post("/-/sign-out", data=form, headers={**OWN, **SESSION})
    assert answer.status == 403
    assert not bus.sent


HTTPS = {"X-Forwarded-Proto": "http, https"}


class TestBehindProxy:
    @pytest.fixture
    def settings(self, with_ui):
        return with_ui(http=HttpSettings(trusted_proxies="127.0.0.1"))

    async def test_cookie_is_for_https_and_one_host_alone(self, client):
        shown = await client.get("/-/sign-in", headers=HTTPS)
        form = shown.cookies["__Host-warren-form"]
        headers = {**OWN, **HTTPS, "Cookie": f"__Host-warren-form={form.value}"}
        fields = {"form": form_token(form.value), "to": "/", "token": TOKEN}
        answer = await client.post(
            "/-/sign-in", data=fields, headers=headers, allow_redirects=False
        )
        cookie = answer.cookies["__Host-warren-session"]
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")

    async def test_cookie_that_http_could_have_planted_does_not_count(self, client):
        assert (await get(client, READ, **OWN, **SESSION, **HTTPS)).status == 401
        cookie = {"Cookie": "__Host-warren-session=secret"}
        assert (await get(client, READ, **OWN, **cookie, **HTTPS)).status == 200


async def test_header_of_a_proxy_that_is_not_trusted_means_nothing(client):
    shown = await client.get("/-/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert "warren-form" in shown.cookies


async def test_https_is_seen_by_the_browsers_origin(client):
    host = client.origin.removeprefix("http://")
    answer = await sign_in(client, {"Origin": f"https://{host}"})
    assert answer.status == 303
    assert answer.cookies["__Host-warren-session"]["secure"]
