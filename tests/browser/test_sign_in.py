"""The UI where a token is required: signing in and out, what a session sees, and what a Reporter is told."""

from dataclasses import dataclass

import aiohttp
import pytest

from tests.browser.filling import Filled, fill
from tests.browser.pages import PAGES
from tests.browser.watching import Tab
from tests.rest import api
from tests.web_server import ROOT_TOKEN

REPORTER, DEVELOPER = 20, 30
WORKSPACE, OTHER = "burrow--carrots", "burrow--secret"

PAGES_OF_A_SESSION = tuple(
    page
    for page in PAGES
    if page.name in {"runs-charts", "run-image", "logged-model-artifacts", "model", "prompts"}
)


@dataclass
class Team:
    """Tokens of a Developer and a Reporter of one project; what is in it, and a run of a project that is not theirs."""

    developer: str
    reporter: str
    filled: Filled
    secret_run: str


@pytest.fixture(scope="package")
async def team(guarded_warren):
    headers = {"PRIVATE-TOKEN": ROOT_TOKEN}
    async with aiohttp.ClientSession(f"{guarded_warren.url}/api/v4/", headers=headers) as gitlab:

        async def make(kind, **fields):
            async with gitlab.post(kind, json=fields) as answer:
                assert answer.status == 201, await answer.text()
                return await answer.json()

        async def member(username, role):
            user = await make("users", username=username, name=username.title())
            await make(f"projects/{project['id']}/members", user_id=user["id"], access_level=role)
            tokens = f"users/{user['id']}/personal_access_tokens"
            return (await make(tokens, name="browser", scopes=["api"]))["token"]

        group = await make("groups", name="Burrow", path="burrow")
        project = await make("projects", name="carrots", namespace_id=group["id"])
        await make("projects", name="secret", namespace_id=group["id"])
        developer, reporter = await member("ann", DEVELOPER), await member("rex", REPORTER)
    async with api(guarded_warren.url, token=ROOT_TOKEN, workspace=OTHER) as rest:
        secret_run = await rest.new_run(await rest.new_experiment("hidden"))
    filled = await fill(guarded_warren.url, developer, WORKSPACE)
    return Team(developer, reporter, filled, secret_run)


@pytest.fixture
def sign_in(first_visit, guarded_warren):
    async def sign_in_with(token, fragment="", workspace=WORKSPACE):
        tab = Tab(first_visit, guarded_warren.url, workspace)
        await first_visit.goto(f"{guarded_warren.url}/{fragment and '#'}{fragment}")
        await first_visit.get_by_label("Access token").fill(token)
        await first_visit.get_by_role("button", name="Sign in").click()
        await first_visit.wait_for_url(lambda url: "/-/sign-in" not in url)
        await tab.complete()
        return tab

    return sign_in_with


async def test_wrong_token_is_explained_and_the_right_one_opens_the_link(
    first_visit, guarded_warren, team
):
    tab = Tab(first_visit, guarded_warren.url)
    run = f"/experiments/{team.filled.experiment}/runs/{team.filled.first}?workspace={WORKSPACE}"
    await first_visit.goto(f"{guarded_warren.url}/#{run}")
    token = first_visit.get_by_label("Access token")
    await token.fill("glpat-wrong_wrong_wrong_wrong")
    await token.press("Enter")
    assert "token" in await first_visit.get_by_role("alert").inner_text()
    tab.forget()
    await token.fill(team.developer)
    await token.press("Enter")
    await tab.shows("trial-00", "accuracy")
    assert first_visit.url == f"{guarded_warren.url}/#{run}"
    assert await tab.problems() == []
    cookies = await first_visit.context.cookies()
    assert {each["name"]: (each["httpOnly"], each["sameSite"]) for each in cookies} == {
        "warren-session": (True, "Lax")
    }
    assert team.developer not in str(await first_visit.context.storage_state())


async def test_pages_and_downloads_work_with_a_session(first_visit, sign_in, team):
    tab = await sign_in(team.developer)
    for page in PAGES_OF_A_SESSION:
        await tab.show(page.fragment(team.filled))
        await tab.shows(*page.shows)
        await tab.complete()
        assert await tab.problems() == []
        assert f"workspace={WORKSPACE}" in first_visit.url
    await tab.leave()
    run = f"/experiments/{team.filled.experiment}/runs/{team.filled.first}"
    await tab.show(f"{run}/artifacts/notes.txt")
    await tab.shows("Dig deeper.")
    async with first_visit.expect_download() as downloading:
        # The button has an icon and no name.
        await first_visit.locator("button[data-component-id*='artifactview.tsx']").click()
    path = await (await downloading.value).path()
    assert path.read_text() == "Dig deeper."


async def test_workspaces_are_those_that_one_may_see(first_visit, sign_in, team):
    tab = await sign_in(team.developer)
    # One workspace alone is opened at once.
    await tab.shows("sweep")
    await first_visit.get_by_role("combobox", name="Workspace").click()
    options = first_visit.get_by_role("option")
    await options.first.wait_for()
    assert await options.all_inner_texts() == [WORKSPACE]
    await tab.load(f"/experiments/1/runs/{team.secret_run}?workspace={OTHER}")
    text = await tab.text()
    assert "hidden" not in text


async def test_account_menu_leads_to_signing_out(first_visit, sign_in, guarded_warren, team):
    tab = await sign_in(team.developer)
    await first_visit.get_by_role("button", name="Account menu for ann").click()
    await first_visit.get_by_role("menuitem", name="Account").click()
    await tab.shows("You are signed in as ann", WORKSPACE)
    await first_visit.get_by_role("button", name="Sign out", exact=True).click()
    await first_visit.get_by_label("Access token").wait_for()
    await first_visit.goto(f"{guarded_warren.url}/#/experiments?workspace={WORKSPACE}")
    await first_visit.get_by_label("Access token").wait_for()
    assert "/-/sign-in" in first_visit.url


async def test_administrator_is_led_to_pages_that_exist(first_visit, guarded_warren, sign_in, team):
    tab = await sign_in(ROOT_TOKEN)
    await first_visit.get_by_role("button", name="Account menu for").click()
    await first_visit.get_by_role("menuitem", name="Account").wait_for()
    assert not await first_visit.get_by_text("Manage", exact=True).filter(visible=True).count()
    for page in ("admin", "account"):
        await first_visit.goto(f"{guarded_warren.url}/#/{page}")
        await first_visit.wait_for_url("**/-/account")
        await tab.shows("Your account", WORKSPACE, OTHER)
    assert await tab.problems() == []


async def test_reporter_is_told_why_a_change_is_refused(first_visit, sign_in, team):
    tab = await sign_in(team.reporter)
    told = "You can't change this part of the project: the Developer role or higher is required."
    run = f"/experiments/{team.filled.experiment}/runs/{team.filled.runs[3]}"

    await tab.show("/experiments")
    await first_visit.get_by_test_id("create-experiment-button").click()
    await first_visit.get_by_label("Experiment Name").fill("mine")
    await first_visit.get_by_role("button", name="Create", exact=True).last.click()
    await tab.shows(told)

    await tab.load(f"{run}?workspace={WORKSPACE}")
    await first_visit.get_by_test_id("overflow-menu-trigger").click()
    await first_visit.get_by_role("menuitem", name="Delete").click()
    await first_visit.get_by_role("button", name="Delete").last.click()
    await tab.shows(told)
    await first_visit.reload()
    await tab.shows("trial-03", "Finished")
