"""Signing in with a browser, on a whole Warren: what a session may do, and when it ends."""

import json
import re

import aiohttp
import pytest

from shared.contracts.token_digests import digest_of
from tests.integration.access.conftest import LATER, ROOT_TOKEN, SOON, mlflow, name, place, until

OWN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "User-Agent": "Mozilla/5.0"}
USER = "/ajax-api/2.0/mlflow/users/current"


class Browser:
    """A browser with its cookies."""

    def __init__(self, session, url):
        self.session = session
        self.url = url

    async def sign_in(self, token, to="/"):
        form = await self.form("/-/sign-in")
        fields = {"form": form, "to": to, "token": token}
        return await self.post("/-/sign-in", fields)

    async def form(self, path):
        async with self.session.get(self.url + path) as page:
            return re.search(r'name="form" value="(\w+)"', await page.text())[1]

    async def post(self, path, fields):
        async with self.session.post(
            self.url + path, data=fields, headers=OWN, allow_redirects=False
        ) as answer:
            return answer.status

    async def sign_out(self, **fields):
        return await self.post("/-/sign-out", {"form": await self.form("/-/account"), **fields})

    async def __call__(self, method, path, workspace="", **options):
        headers = OWN | ({"X-MLFLOW-WORKSPACE": workspace} if workspace else {})
        async with self.session.request(
            method, self.url + path, headers=headers, **options
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def is_out(self):
        return (await self("GET", USER))[0] == 401


@pytest.fixture
async def open_browser(house):
    opened = []

    def browser(url=house.url):
        jar = aiohttp.CookieJar(unsafe=True)
        opened.append(aiohttp.ClientSession(cookie_jar=jar))
        return Browser(opened[-1], url)

    yield browser
    for session in opened:
        await session.close()


@pytest.fixture
async def browser(open_browser):
    return open_browser()


def in_project(project, path):
    """Return the path of a request that the UI at a project's mount makes."""
    return mlflow(project, path).replace("/api/2.0/", "/ajax-api/2.0/")


async def test_session_sees_and_changes_what_its_user_may(house, group, project, browser):
    ann = await house.member(30, place(project))
    other = await house.make("/projects", name=name("q"), namespace_id=group["id"])
    workspace = f"{group['path']}--{project['path']}"
    assert await browser.sign_in(ann.token) == 303
    _, who = await browser("GET", USER)
    assert who["user"]["username"] == ann.user["username"]
    _, listed = await browser("GET", "/ajax-api/3.0/mlflow/workspaces")
    assert workspace in [each["name"] for each in listed["workspaces"]]
    create = "/ajax-api/2.0/mlflow/experiments/create"
    status, made = await browser("POST", create, workspace, json={"name": "seen"})
    assert status == 200
    get = f"experiments/get?experiment_id={made['experiment_id']}"
    status, found = await browser("GET", in_project(project, get))
    assert (status, found["experiment"]["name"]) == (200, "seen")
    for path, hidden in (
        (in_project(other, "experiments/get?experiment_id=0"), ""),
        (
            "/ajax-api/2.0/mlflow/experiments/get?experiment_id=0",
            f"{group['path']}--{other['path']}",
        ),
    ):
        assert (await browser("GET", path, hidden))[0] == 404
    assert (await browser("GET", "/ajax-api/2.0/mlflow/experiments/get?experiment_id=0"))[0] == 404


async def test_session_of_a_projects_token_reaches_no_other_project(house, group, project, browser):
    other = await house.make("/projects", name=name("q"), namespace_id=group["id"])
    fields = {"name": "ci", "scopes": ["read_api"], "expires_at": LATER, "access_level": 30}
    bot = await house.make(f"{place(project)}/access_tokens", **fields)
    assert await browser.sign_in(bot["token"]) == 303
    read = "experiments/get?experiment_id=0"
    assert (await browser("GET", in_project(project, read)))[0] == 200
    assert (await browser("GET", in_project(other, read)))[0] == 404
    status, body = await browser(
        "POST", in_project(project, "experiments/create"), json={"name": "x"}
    )
    assert (status, body["error_code"]) == (403, "PERMISSION_DENIED")
    assert "scope" in body["message"]


async def test_files_are_read_and_written_with_a_session(house, project, browser):
    ann = await house.member(30, place(project))
    await browser.sign_in(ann.token)
    run = in_project(project, "runs/create")
    _, made = await browser("POST", run, json={"experiment_id": "0"})
    info = made["run"]["info"]
    path = info["artifact_uri"].removeprefix("mlflow-artifacts:/") + "/a.txt"
    proxy = (
        f"/api/v4/projects/{project['id']}/ml/mlflow/ajax-api/2.0/mlflow-artifacts/artifacts/{path}"
    )
    assert (await browser("PUT", proxy, data=b"12345"))[0] == 200
    link = f"/api/v4/projects/{project['id']}/ml/mlflow/get-artifact"
    query = f"?run_id={info['run_id']}&path=a.txt"
    async with browser.session.get(browser.url + link + query) as answer:
        assert (answer.status, await answer.read()) == (200, b"12345")
    async with browser.session.put(browser.url + proxy, data=b"6") as answer:
        assert answer.status == 403
        assert "own pages" in (await answer.json())["message"]


async def test_reporters_write_is_refused_with_a_message(house, project, browser):
    reporter = await house.member(20, place(project))
    await browser.sign_in(reporter.token)
    workspace = project["path_with_namespace"].replace("/", "--")
    create = "/ajax-api/2.0/mlflow/experiments/create"
    status, body = await browser("POST", create, workspace, json={"name": "x"})
    assert (status, body["error_code"]) == (403, "PERMISSION_DENIED")
    assert "Developer role or higher is required" in body["message"]


@pytest.mark.parametrize("end", ["revoke", "rotate"])
async def test_session_ends_with_its_token(house, browser, end):
    ann = await house.member(0, "")
    await browser.sign_in(ann.token)
    assert not await browser.is_out()
    path = "/api/v4/personal_access_tokens/self"
    method, path = ("DELETE", path) if end == "revoke" else ("POST", f"{path}/rotate")
    assert (await ann(method, path))[0] in (200, 204)
    assert await until(browser.is_out) < SOON


async def test_session_ends_while_its_user_is_blocked(house, browser):
    ann = await house.member(0, "")
    await browser.sign_in(ann.token)
    await house("POST", f"/api/v4/users/{ann.user['id']}/block")

    async def refused():
        return (await browser("GET", USER))[0] == 403

    assert await until(refused) < SOON
    await house("POST", f"/api/v4/users/{ann.user['id']}/unblock")


async def test_signing_out_ends_this_session_alone(house, open_browser):
    ann = await house.member(0, "")
    one, two = open_browser(), open_browser()
    for each in (one, two):
        await each.sign_in(ann.token)
    (cookie,) = (each for each in one.session.cookie_jar if each.key == "warren-session")
    assert await one.sign_out() == 303
    # The browser has no cookie any more, and the one that it had is worth nothing.
    assert not [each for each in one.session.cookie_jar if each.key == "warren-session"]
    one.session.cookie_jar.update_cookies({"warren-session": cookie.value})
    assert await until(one.is_out) < SOON
    assert not await two.is_out()
    assert (await ann("GET", "/api/v4/user"))[0] == 200


async def test_signing_out_everywhere_ends_all_sessions_of_the_user_alone(house, open_browser):
    ann, bob = await house.member(0, ""), await house.member(0, "")
    browsers = [open_browser() for _ in range(3)]
    for each, who in zip(browsers, (ann, ann, bob), strict=True):
        await each.sign_in(who.token)
    assert await browsers[0].sign_out(everywhere="1") == 303
    assert await until(browsers[1].is_out) < SOON
    assert not await browsers[2].is_out()


async def test_each_sign_in_is_another_session_and_ends_the_former_one(house, open_browser):
    ann, browser, thief = await house.member(0, ""), open_browser(), open_browser()
    secrets = []
    for _ in range(2):
        await browser.sign_in(ann.token)
        browser_cookies = {each.key: each.value for each in browser.session.cookie_jar}
        secrets.append(browser_cookies["warren-session"])
        # The form is on the page for those who are not signed in.
        browser.session.cookie_jar.clear(lambda each: each.key == "warren-session")
    assert secrets[0] != secrets[1]
    # A secret that was planted before does not become a session.
    thief.session.cookie_jar.update_cookies({"warren-session": "planted"})
    assert await thief.is_out()


async def test_token_of_a_cookie_is_no_token_and_a_token_is_no_cookie(house, open_browser):
    ann, browser, other = await house.member(0, ""), open_browser(), open_browser()
    await browser.sign_in(ann.token)
    secret = {each.key: each.value for each in browser.session.cookie_jar}["warren-session"]
    assert (await house.of(secret)("GET", "/api/v4/user"))[0] == 401
    other.session.cookie_jar.update_cookies({"warren-session": ann.token})
    assert await other.is_out()


class TestService:
    """The access service alone: what its tables hold, and whose clock counts."""

    DIGESTS = ("a" * 64, "b" * 64)

    async def begin(self, access, digest, seconds=3600):
        return await access.call(
            "CreateSession",
            1,
            token_digest=digest_of(ROOT_TOKEN),
            new_digest=digest,
            seconds=seconds,
        )

    async def state(self, access, digest):
        answer = await access.call("AuthorizeSession", session_digest=digest)
        return answer["state"], answer.get("fresh_for")

    async def test_session_ends_by_the_databases_clock(self, access, pool):
        await self.begin(access, self.DIGESTS[0])
        state, fresh_for = await self.state(access, self.DIGESTS[0])
        assert state == "active"
        assert 3_590_000 < fresh_for <= 3_600_000
        await pool.execute("UPDATE sessions SET expiry_time = expiry_time - 3600000")
        assert (await self.state(access, self.DIGESTS[0]))[0] == "unknown"
        await self.begin(access, self.DIGESTS[1])
        assert await pool.fetchval("SELECT count(*) FROM sessions") == 1

    async def test_session_does_not_outlive_its_token(self, access, pool):
        await pool.execute("UPDATE tokens SET expires_at = current_date + 1")
        await self.begin(access, self.DIGESTS[0], 366 * 24 * 3600)
        assert (await self.state(access, self.DIGESTS[0]))[1] <= 48 * 3600 * 1000
        await pool.execute("DELETE FROM tokens")
        assert await pool.fetchval("SELECT count(*) FROM sessions") == 0

    async def test_use_is_noted_coarsely(self, access, pool):
        await self.begin(access, self.DIGESTS[0])
        used = "SELECT last_used_time FROM sessions"
        first = await pool.fetchval(used)
        await self.state(access, self.DIGESTS[0])
        assert await pool.fetchval(used) == first
        await pool.execute("UPDATE sessions SET last_used_time = last_used_time - 700000")
        await self.state(access, self.DIGESTS[0])
        assert await pool.fetchval(used) >= first

    async def test_revoking_a_token_tells_gateways_of_its_sessions(self, access, pool):
        for digest in self.DIGESTS:
            await self.begin(access, digest)
        own = digest_of(ROOT_TOKEN)
        with pytest.raises(json.JSONDecodeError):  # The answer is empty.
            await access.call("RevokeToken", 1, token_id="self", own_digest=own)
        assert await access.topics() == ["1.token.revoked", "1.session.ended"]
        assert await pool.fetchval("SELECT count(*) FROM sessions") == 0
        for digest in self.DIGESTS:
            assert (await self.state(access, digest))[0] == "unknown"

    async def test_a_token_has_a_hundred_sessions_at_most(self, access, pool):
        for number in range(102):
            await self.begin(access, f"{number:064x}")
        assert await pool.fetchval("SELECT count(*) FROM sessions") == 100
        assert (await self.state(access, f"{1:064x}"))[0] == "unknown"
        assert (await self.state(access, f"{2:064x}"))[0] == "active"
        assert await access.topics() == ["1.session.ended", "1.session.ended"]

    async def test_sessions_are_listed_to_their_user(self, access):
        for digest in self.DIGESTS:
            await self.begin(access, digest)
        listed = await access.call("ListSessions", 1, own_digest=self.DIGESTS[0])
        assert [each["is_own"] for each in listed["sessions"]] == [False, True]
        assert "a" * 64 not in str(listed)
