"""A Warren with MLflow's web UI, filled, and Chromium in front of it. Each file's tests share one of each."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from tests.browser import page_table
from tests.browser.filling import fill
from tests.browser.watching import Tab
from tests.warren_fixtures import running
from tests.web_server import ROOT, standalone

UI = ROOT / ".venvs" / "mlflow-ui" / "build"
ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""WebGL is drawn by the CPU."""

MILLISECONDS = 120_000
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


# A browser and its servers take processor time as long as they are there. So they end with this folder's tests, while
# a worker goes on with others.
@pytest.fixture(scope="package")
def chromium():
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("Chromium is not installed; make test installs it on Debian as root")
    return found


def _described(folder, **options):
    assert UI.exists(), "the web UI is not installed: make .venvs/mlflow-ui/.installed"
    folder.mkdir(mode=0o755)
    return standalone(folder, ui_directory=str(UI), **options)


@pytest.fixture(scope="package")
async def warren(chromium, server_directory):
    async with running(_described(server_directory / "browser")) as server:
        yield server


@pytest.fixture(scope="package")
async def guarded_warren(chromium, server_directory):
    """A Warren that asks for tokens."""
    described = _described(server_directory / "browser-tokens", access_mode="token")
    async with running(described) as server:
        yield server


@pytest.fixture(scope="package")
async def filled(warren):
    return await fill(warren.url)


@pytest.fixture(scope="package")
async def browser(chromium):
    async with async_playwright() as playwright:
        running_browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running_browser
        await running_browser.close()


async def _first_visit(browser):
    # Without motion, spinners cost no CPU. The tests need it for the pages.
    context = await browser.new_context(
        viewport={"width": 1400, "height": 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(MILLISECONDS)
    return await context.new_page()


@pytest.fixture
async def first_visit(request, browser):
    """A page of a browser that was never here. After a failure, a screenshot of it is kept."""
    page = await _first_visit(browser)
    yield page
    await _keep_screenshot(request, page)
    await page.context.close()


@pytest.fixture(scope="package")
async def _tab(browser, warren, filled):
    tab = Tab(await _first_visit(browser), warren.url)
    await tab.load()
    return tab


@pytest.fixture(scope="session")
def visits():
    """What each page asked for, by its name. ``make ui-pages`` writes it to the documentation."""
    made = {}
    yield made
    if path := os.environ.get("WARREN_UI_PAGES"):
        page_table.write(Path(path), made)


@pytest.fixture
async def tab(request, _tab):
    """The tab in which the UI is loaded. After a failure, a screenshot of it is kept."""
    yield _tab
    await _keep_screenshot(request, _tab.page)


async def _keep_screenshot(request, page):
    if path := request.node.stash.get(_SCREENSHOT, None):
        SCREENSHOTS.mkdir(exist_ok=True)
        await page.screenshot(path=path)
