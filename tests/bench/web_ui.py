"""`python -m tests.bench.web_ui`: how long MLflow's web UI takes in Chromium, in front of `make run`.

It needs the development environment, the web UI (`make .venvs/mlflow-ui/.installed`) and Chromium. Each figure is the
median of some visits. A time begins with the navigation. It ends when the page shows its runs or curves, with no request
under way and no placeholder in view.
"""

import argparse
import asyncio
import math
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.bench.machine import describe_machine
from tests.browser.watching import QUIET_SECONDS, Tab
from tests.rest import TIMESTAMP, Api, api, metric
from tests.warren_fixtures import running
from tests.web_server import ROOT, standalone

RUNS, METRICS = 10_000, 20
LONG_RUNS, POINTS = 10, 100_000
BATCH = 1_000
"""MLflow's limit of metrics in a batch."""

AT_ONCE = 8
ROUNDS = 5
UI = ROOT / ".venvs" / "mlflow-ui" / "build"

FIRST_ROW = "[role=row] a[href*='/runs/']"
CURVES = """count => [...document.querySelectorAll('.js-plotly-plot')].some(
    plot => plot.data.length >= count && plot.querySelectorAll('.scatterlayer .trace path').length >= count)"""


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.web_ui", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--ui", type=Path, default=UI, help="directory of a build of the UI")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="warren-web-ui-"))
    folder.chmod(0o755)
    try:
        rows = asyncio.run(_measure(options, folder / "data"))
    finally:
        shutil.rmtree(folder)
    print(f"{time.strftime('%Y-%m-%d')}, {describe_machine()}, median of {options.rounds}\n")
    print("| page | seconds |\n|---|---:|")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds:.2f} |")


async def _measure(options: argparse.Namespace, data: Path) -> dict[str, float]:
    async with (
        running(standalone(data, ui_directory=str(options.ui))) as server,
        _chromium() as browser,
    ):
        async with api(server.url) as rest:
            wide = await rest.new_experiment("many-runs")
            await _side_by_side(lambda number: _run(rest, wide, number), options.runs)
            long = await rest.new_experiment("long-runs")
            await _side_by_side(
                lambda number: _long_run(rest, long, number, options.points), LONG_RUNS
            )

        async def of(visits: Callable[[Tab], Awaitable[float]]) -> float:
            return median(
                [await _visit(browser, server.url, visits) for _ in range(options.rounds)]
            )

        return {
            "the UI, first visit of a browser, empty list": await of(_loaded("/models")),
            f"runs of an experiment of {options.runs:,} runs, first visit": await of(
                _first(f"/experiments/{wide}/runs")
            ),
            f"runs of an experiment of {options.runs:,} runs, UI loaded": await of(
                _opened(f"/experiments/{wide}/runs", _rows)
            ),
            "the same, a filter by metric and param": await of(
                _opened(
                    f"/experiments/{wide}/runs?searchFilter=metrics.m1%20%3E%200.5%20and%20params.depth%20%3D%20%273%27",
                    _rows,
                )
            ),
            "the same, ordered by a metric": await of(
                _opened(
                    f"/experiments/{wide}/runs?orderByKey=metrics.%60m1%60&orderByAsc=true", _rows
                )
            ),
            f"chart of {LONG_RUNS} runs, {options.points:,} points each": await of(
                _opened(f"/experiments/{long}/runs?compareRunsMode=CHART", _curves)
            ),
        }


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    arguments = ["--no-sandbox", "--disable-gpu"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


async def _visit(browser: Browser, url: str, visit: Callable[[Tab], Awaitable[float]]) -> float:
    """Return the seconds of a visit by a browser that was never here."""
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    tab = Tab(await context.new_page(), url)
    seconds = await visit(tab)
    problems = await tab.problems()
    assert not problems, problems
    await context.close()
    return seconds


def _loaded(fragment: str) -> Callable[[Tab], Awaitable[float]]:
    async def visit(tab: Tab) -> float:
        return await _timed(tab, tab.load(fragment))

    return visit


def _first(fragment: str) -> Callable[[Tab], Awaitable[float]]:
    async def visit(tab: Tab) -> float:
        began = time.monotonic()
        await tab.page.goto(f"{tab.address}/#{fragment}")
        await _rows(tab.page)
        return time.monotonic() - began

    return visit


def _opened(
    fragment: str, drawn: Callable[[Page], Awaitable[Any]]
) -> Callable[[Tab], Awaitable[float]]:
    async def visit(tab: Tab) -> float:
        await tab.load("/models")
        began = time.monotonic()
        joint = "&" if "?" in fragment else "?"
        await tab.page.evaluate(f"location.hash = `{fragment}{joint}workspace=default`")
        await drawn(tab.page)
        return time.monotonic() - began

    return visit


async def _timed(tab: Tab, done: Awaitable[None]) -> float:
    began = time.monotonic()
    await done
    return time.monotonic() - began - QUIET_SECONDS


async def _rows(page: Page) -> None:
    await page.locator(FIRST_ROW).first.wait_for()


async def _curves(page: Page) -> None:
    await page.wait_for_function(CURVES, arg=LONG_RUNS)


async def _side_by_side(make: Callable[[int], Awaitable[None]], count: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            await make(number)

    await asyncio.gather(*(one(number) for number in range(count)))


async def _run(rest: Api, experiment: str, number: int) -> None:
    run = await rest.new_run(
        experiment, run_name=f"run-{number}", start_time=TIMESTAMP + 1000 * number
    )
    metrics = [metric(f"m{index}", math.sin(number * (index + 1)), 0) for index in range(METRICS)]
    params = [{"key": "depth", "value": str(number % 10)}, {"key": "optimizer", "value": "adam"}]
    await rest.done("runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})
    end = {"run_id": run, "status": "FINISHED", "end_time": TIMESTAMP + 1000 * number + 500}
    await rest.done("runs/update", end)


async def _long_run(rest: Api, experiment: str, number: int, points: int) -> None:
    run = await rest.new_run(experiment, run_name=f"long-{number}")
    for first in range(0, points, BATCH):
        batch = [
            metric("loss", math.exp(-step / points) + number / 100, step)
            for step in range(first, min(points, first + BATCH))
        ]
        await rest.done("runs/log-batch", {"run_id": run, "metrics": batch})
    await rest.done("runs/update", {"run_id": run, "status": "FINISHED"})


if __name__ == "__main__":
    main()
