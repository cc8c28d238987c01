"""A session is a row: the access service may be killed between two requests of a browser."""

import re

import aiohttp
import pytest

from tests.warren_fixtures import running_stack
from tests.web_server import ROOT_TOKEN

OWN = {"Sec-Fetch-Site": "same-origin"}
WHO = "/ajax-api/2.0/mlflow/users/current"


@pytest.fixture
async def warren(server_directory, postgres, rabbitmq):
    folder = server_directory / "session-survives"
    folder.mkdir(mode=0o755)
    async with running_stack(folder, postgres, rabbitmq, root_token=ROOT_TOKEN) as server:
        yield server


async def post(browser, path, form):
    async with browser.post(path, data=form, headers=OWN, allow_redirects=False) as answer:
        return answer.status


async def who(browser):
    async with browser.get(WHO, headers=OWN) as answer:
        return (await answer.json()).get("user", {}).get("username")


async def form_of(browser, path):
    async with browser.get(path) as page:
        return re.search(r'name="form" value="(\w+)"', await page.text())[1]


async def test_killed_access_service_ends_no_session_and_revives_none(warren):
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(warren.url, cookie_jar=jar) as browser:
        form = {"form": await form_of(browser, "/-/sign-in"), "token": ROOT_TOKEN}
        assert await post(browser, "/-/sign-in", form) == 303
        secret = {each.key: each.value for each in jar}["warren-session"]
        await warren.kill_one("access")
        # The gateway has not asked about this project yet, so it asks the new process.
        path = "/api/v4/projects/1/ml/mlflow/ajax-api/2.0/mlflow/experiments/get?experiment_id=0"
        async with browser.get(path, headers=OWN) as answer:
            assert answer.status == 200
        assert await who(browser) == "root"
        out = {"form": await form_of(browser, "/-/account")}
        assert await post(browser, "/-/sign-out", out) == 303
        await warren.kill_one("access")
        jar.update_cookies({"warren-session": secret})
        # In open mode, as here, an ended session counts as none.
        assert await who(browser) is None
