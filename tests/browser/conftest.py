"""A Warren with MLflow's web UI, filled, and Chromium in front of it. Each file's tests share one of each."""

import shutil
import tempfile
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.browser.filling import fill
from tests.browser.watching import Tab
from tests.warren_fixtures import running
from tests.web_server import ROOT, standalone

UI = ROOT / ".venvs" / "mlflow-ui" / "build"
ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
MILLISECONDS = 60_000
"""A click waits this long for its element: CI has two cores, and the tests of others run beside."""

SCREENSHOTS = Path(tempfile.gettempdir()) / "warren-screenshots"

_SCREENSHOT = pytest.StashKey[Path]()
"""Where the screenshot of a failed test is to be."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.when == "call" and report.failed:
        path = item.stash[_SCREENSHOT] = SCREENSHOTS / f"{item.name}.png"
        report.sections.append(("Screenshot", str(path)))
    return report


@pytest.fixture(scope="session")
def chromium():
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("Chromium is not installed; make test installs it on Debian as root")
    return found


@pytest.fixture(scope="session")
async def warren(chromium, server_directory):
    assert UI.exists(), "the web UI is not installed: make .venvs/mlflow-ui/.installed"
    folder = server_directory / "browser"
    folder.mkdir(mode=0o755)
    async with running(standalone(folder, ui_directory=str(UI))) as server:
        yield server


@pytest.fixture(scope="session")
async def filled(warren):
    return await fill(warren.url)


@pytest.fixture(scope="session")
async def context(chromium):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        # Without motion, spinners cost no CPU. The tests need it for the pages.
        made = await browser.new_context(
            viewport={"width": 1400, "height": 900}, reduced_motion="reduce"
        )
        made.set_default_timeout(MILLISECONDS)
        yield made
        await browser.close()


@pytest.fixture(scope="session")
async def _tab(context, warren, filled):
    tab = Tab(await context.new_page(), warren.url)
    await tab.load()
    return tab


@pytest.fixture
async def tab(request, _tab):
    """The tab in which the UI is loaded. After a failure, a screenshot of it is kept."""
    yield _tab
    if path := request.node.stash.get(_SCREENSHOT, None):
        SCREENSHOTS.mkdir(exist_ok=True)
        await _tab.page.screenshot(path=path)
