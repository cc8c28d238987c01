"""Visits of pages by a browser, each with the moment from which its page is usable."""

import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.bench.peers import WARREN
from tests.bench.web_ui.contents import LONG_RUNS, Contents, Experiments
from tests.bench.web_ui.split import Split, Watch
from tests.browser.watching import SECONDS, Tab

FIRST_ROW = "[role=row] a[href*='/runs/']"
CURVES = """count => [...document.querySelectorAll('.js-plotly-plot')].some(
    plot => plot.data.length >= count && plot.querySelectorAll('.scatterlayer .trace path').length >= count)"""

CHOICES = {
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.settings.telemetry.enabled_v1": False,
    "mlflow.telemetry.info.alert.dismissed_v1": True,
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    "_mlflow_model_registry_promo_modal_dismissed_v1": True,
}
"""Those with which Warren's page begins. At `mlflow server` the browser has made them before."""

_CHOOSE = f"""for (const [name, choice] of Object.entries({json.dumps(CHOICES)}))
    localStorage.setItem(name, JSON.stringify(choice))"""


class Browsers(Enum):
    """What the browser has of the UI when a visit begins."""

    NEW = "nothing"
    RETURNING = "its files, from a visit of the same page"
    OPEN = "another page of it, open"


@dataclass(frozen=True)
class View:
    """A page of the UI. ``usable`` waits for what makes it so."""

    name: str
    fragment: str
    usable: Callable[[Page], Awaitable[None]]
    browser: Browsers = Browsers.OPEN


@dataclass(frozen=True)
class Site:
    """A server as its visitors see it."""

    name: str
    url: str
    experiments: Experiments

    def hash(self, view: View) -> str:
        """Return the address's fragment; Warren has workspaces."""
        fragment = view.fragment.format(
            many=self.experiments.many_runs, long=self.experiments.long_runs
        )
        if self.name != WARREN:
            return fragment
        return f"{fragment}{'&' if '?' in fragment else '?'}workspace=default"


def views(contents: Contents) -> tuple[View, ...]:
    """Return all views, in the order of the page."""
    runs = f"{contents.runs:,} runs"
    many = "/experiments/{many}/runs"
    selected = "searchFilter=metrics.m1%20%3E%200.5%20and%20params.p0%20LIKE%20%273%25%27"
    return (
        View("empty list of models, first visit", "/models", _empty_list, Browsers.NEW),
        View("empty list of models, second visit", "/models", _empty_list, Browsers.RETURNING),
        View(f"{runs}, first visit", many, _rows, Browsers.NEW),
        View(f"{runs}, second visit", many, _rows, Browsers.RETURNING),
        View(f"{runs}, UI open", many, _rows),
        View(f"{runs}, filtered by a metric and a param", f"{many}?{selected}", _rows),
        View(
            f"{runs}, ordered by a metric",
            f"{many}?orderByKey=metrics.%60m1%60&orderByAsc=true",
            _rows,
        ),
        View(
            f"curves of {LONG_RUNS} runs, {contents.points:,} points each",
            "/experiments/{long}/runs?compareRunsMode=CHART",
            _curves,
        ),
    )


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Chromium without a window. It draws with the processor."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    arguments = ["--no-sandbox", "--disable-gpu"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


async def visit(browser: Browser, site: Site, view: View) -> Split:
    """Visit a page with a new profile of the browser, and return what it took until the page was usable."""
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(SECONDS * 1000)
    try:
        if site.name != WARREN:
            await context.add_init_script(_CHOOSE)
        if view.browser is Browsers.OPEN:
            return await _open(context, site, view)
        if view.browser is Browsers.RETURNING:
            await _load(context, site, view)
        return await _load(context, site, view)
    finally:
        await context.close()


async def _load(context: BrowserContext, site: Site, view: View) -> Split:
    page = await context.new_page()
    tab, watch = Tab(page, site.url), await Watch.on(page)
    await watch.begin()
    await page.goto(f"{site.url}/#{site.hash(view)}", wait_until="commit")
    return await _until_usable(tab, watch, site, view)


async def _open(context: BrowserContext, site: Site, view: View) -> Split:
    page = await context.new_page()
    tab = Tab(page, site.url)
    await tab.load("/models")
    watch = await Watch.on(page)
    await watch.begin()
    await page.evaluate("fragment => { location.hash = fragment }", site.hash(view))
    return await _until_usable(tab, watch, site, view)


async def _until_usable(tab: Tab, watch: Watch, site: Site, view: View) -> Split:
    await view.usable(tab.page)
    split = await watch.end()
    if site.name == WARREN:
        problems = await tab.problems()
        assert not problems, problems
    await tab.page.close()
    return split


async def _rows(page: Page) -> None:
    await page.locator(FIRST_ROW).first.wait_for()


async def _curves(page: Page) -> None:
    await page.wait_for_function(CURVES, arg=LONG_RUNS)


async def _empty_list(page: Page) -> None:
    await page.get_by_test_id("create-model-button").first.wait_for()
