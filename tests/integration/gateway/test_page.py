"""The page in a real browser: what the links that clients print lead to."""

import asyncio
import shutil
import uuid
from html.parser import HTMLParser

import aiohttp
import pytest

from tests.rest import api, metric

DOORS = ["", "/api/v4/projects/1/ml/mlflow"]
MARKUP = "<img src=x onerror=\"document.title='broken'\"><b>bold</b>"


class Text(HTMLParser):
    """The visible text of a page, and the names of its elements."""

    def __init__(self, markup):
        super().__init__()
        self.elements = []
        self.href = None
        self.links = {}
        self.words = []
        self.feed(markup)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.href = dict(attrs).get("href")

    def handle_data(self, data):
        self.words.append(data)
        self.links.setdefault(data, self.href)


@pytest.fixture(scope="module")
def browse(tmp_path_factory):
    """Open an address in Chromium and return what its scripts made of the page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed; make test installs it on Debian as root")
    profile = tmp_path_factory.mktemp("chromium")

    async def open_page(url):
        process = await asyncio.create_subprocess_exec(
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 120)
        return Text(output.decode())

    return open_page


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


async def test_hidden_project_shows_nothing(browse, standalone_warren):
    page = await browse(f"{standalone_warren.url}/api/v4/projects/987/ml/mlflow/")
    assert "404 Project Not Found" in page.text
