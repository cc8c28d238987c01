"""The page in a real browser: what the links that clients print lead to."""

import uuid

import aiohttp
import pytest

from tests.integration.gateway import browser as browser_module
from tests.rest import api, metric
from tests.web_server import GITLAB_URL, ROOT_TOKEN

DOORS = ["", "/api/v4/projects/1/ml/mlflow"]
MARKUP = "<img src=x onerror=\"document.title='broken'\"><b>bold</b>"


@pytest.fixture(scope="module")
async def browser(tmp_path_factory):
    if browser_module.installed() is None:
        pytest.skip("Chromium is not installed; make test installs it on Debian as root")
    async with browser_module.running(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def browse(browser):
    """Open an address and return what its scripts made of the page."""

    async def read(url):
        async with browser.tab(url) as tab:
            return await tab.read()

    return read


@pytest.fixture(params=DOORS, ids=["root", "project"])
def door(request, standalone_warren):
    return standalone_warren.url + request.param


@pytest.fixture
async def seen(door):
    """Log what the page is to show; the names would break a page that took them for markup."""
    suffix = uuid.uuid4().hex
    async with api(door) as rest:
        experiment = await rest.new_experiment(f"seen {MARKUP} {suffix}")
        tags = [{"key": "gitlab.CI_JOB_ID", "value": "4711"}, {"key": "note", "value": MARKUP}]
        run = await rest.new_run(experiment, run_name="a run", tags=tags)
        points = [metric("loss", 0.5, 1), metric("loss", 0.25, 2)]
        params = [{"key": "depth", "value": MARKUP}]
        await rest.done("runs/log-batch", {"run_id": run, "metrics": points, "params": params})
        info = (await rest.get("runs/get", run_id=run)).body["run"]["info"]
        model = f"rabbit's {suffix}"
        await rest.done("registered-models/create", {"name": model, "description": "It hops."})
    root = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    target = f"{door}/api/2.0/mlflow-artifacts/artifacts/{root}"
    async with aiohttp.ClientSession() as session:
        for name in ("notes.txt", "plots/one.png"):
            async with session.put(f"{target}/{name}", data=b"12345") as answer:
                assert answer.status == 200
    return {"experiment": experiment, "run": run, "model": model, "suffix": suffix}


async def test_home_tells_the_uri_and_what_is_new(browse, door, seen):
    page = await browse(f"{door}/")
    assert f'export MLFLOW_TRACKING_URI="{door}"' in page.text
    assert ("MLFLOW_TRACKING_TOKEN" in page.text) == ("/api/v4/" in door)
    assert f"seen {MARKUP} {seen['suffix']}" in page.text
    assert page.links[f"seen {MARKUP} {seen['suffix']}"] == f"#/experiments/{seen['experiment']}"
    assert seen["model"] in page.text
    assert "img" not in page.elements
    assert "b" not in page.elements


async def test_link_that_clients_print_shows_the_run(browse, door, seen):
    page = await browse(f"{door}/#/experiments/{seen['experiment']}/runs/{seen['run']}")
    for text in (
        "a run RUNNING",
        seen["run"],
        "CI job 4711",
        f"depth {MARKUP}",
        f"note {MARKUP}",
        "loss 0.25",
        "plots/",
    ):
        assert text in page.text
    assert page.links["4711"] == f"{GITLAB_URL}/root/default/-/jobs/4711"
    assert page.links["notes.txt (5 bytes)"].endswith(
        f"/get-artifact?run_id={seen['run']}&path=notes.txt"
    )
    assert "img" not in page.elements


async def test_tracking_uri_keeps_the_fragment_on_its_way_to_the_page(browse, door, seen):
    page = await browse(f"{door}#/experiments/{seen['experiment']}/runs/{seen['run']}")
    assert "a run RUNNING" in page.text


async def test_experiment_lists_its_runs(browse, door, seen):
    page = await browse(f"{door}/#/experiments/{seen['experiment']}")
    assert page.links["a run"] == f"#/experiments/{seen['experiment']}/runs/{seen['run']}"


async def test_model_lists_its_versions(browse, door, seen):
    page = await browse(f"{door}/#/models/{seen['model'].replace(' ', '%20')}")
    assert f"{seen['model']} It hops." in page.text
    assert "No versions yet." in page.text


async def test_what_is_not_there_is_said(browse, door):
    page = await browse(f"{door}/#/experiments/1/runs/{'0' * 32}")
    assert f"Run with id={'0' * 32} not found" in page.text


async def test_project_that_asks_for_a_token_takes_one(browser, standalone_warren):
    url = f"{standalone_warren.url}/api/v4/projects/987/ml/mlflow/"
    async with browser.tab(url) as tab:
        page = await tab.read()
        assert page.text.startswith("Warren Warren 401 Unauthorized")
        assert f'export MLFLOW_TRACKING_URI="{url[:-1]}"' in page.text
        await tab.run(f"""
            document.querySelector("input").value = " {ROOT_TOKEN} ";
            document.querySelector("form").requestSubmit();
        """)
        await tab.until("!document.querySelector('form')")
        assert "404 Project Not Found" in (await tab.read()).text


async def test_link_of_a_workspace_shows_what_is_there_and_stays_there(browser, standalone_warren):
    root, workspace = standalone_warren.url, f"page-{uuid.uuid4().hex[:12]}"
    headers = {"PRIVATE-TOKEN": ROOT_TOKEN, "X-MLFLOW-WORKSPACE": workspace}
    mlflow = f"{root}/api/2.0/mlflow"
    async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as session:
        made = f"{root}/api/3.0/mlflow/workspaces"
        await session.post(made, json={"name": workspace})
        body = {"name": f"of {workspace}"}
        answer = await session.post(f"{mlflow}/experiments/create", json=body)
        experiment = (await answer.json())["experiment_id"]
        body = {"experiment_id": experiment, "run_name": "a run"}
        answer = await session.post(f"{mlflow}/runs/create", json=body)
        run = (await answer.json())["run"]["info"]["run_id"]
    suffix = f"?workspace={workspace}"
    async with browser.tab(f"{root}/#/experiments/{experiment}{suffix}") as tab:
        await tab.read()
        await tab.run(f"import('./api.js').then(api => api.keepToken('{ROOT_TOKEN}'))")
        await tab.run("dispatchEvent(new Event('hashchange'))")
        await tab.until(f"document.body.textContent.includes('of {workspace}')")
        page = await tab.read()
        assert page.links["a run"] == f"#/experiments/{experiment}/runs/{run}{suffix}"
        await tab.run("[...document.links].find(a => a.textContent === 'a run').click()")
        await tab.until(f"document.body.textContent.includes('{run}')")
        # Without its name behind it, a link leads to the root project.
        await tab.run(f"location.hash = '#/experiments/{experiment}/runs/{run}'")
        await tab.until("document.body.textContent.includes('not found')")


async def test_artifact_is_saved_with_the_token_of_the_tab(browser, door, seen):
    async with browser.tab(f"{door}/#/experiments/{seen['experiment']}/runs/{seen['run']}") as tab:
        await tab.read()
        await tab.run("import('./api.js').then(api => api.keepToken('glpat-nobody_has_this_one'))")
        await tab.run("[...document.links].find(a => a.textContent.startsWith('notes')).click()")
        await tab.until("/401 Unauthorized|token is invalid/.test(document.body.textContent)")
        await tab.run(f"import('./api.js').then(api => api.keepToken('{ROOT_TOKEN}'))")
        read = "import('./api.js').then(api => api.bytes('%s')).then(stored => stored.text())"
        link = await tab.run(
            "[...document.links].find(a => a.textContent.startsWith('notes')).href"
        )
        assert await tab.run(read % link) == "12345"
