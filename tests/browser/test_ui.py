"""MLflow's web UI in front of Warren: every page, and what a user does on them."""

import json
import math
import re
import uuid

import pytest

from tests.browser.filling import CHILDREN, POINTS
from tests.browser.page_table import Visit
from tests.browser.pages import PAGES
from tests.browser.reviewed import QUEUE
from tests.browser.traced import QUESTIONS
from tests.browser.watching import Tab

CURVES = """() => Object.fromEntries([...document.querySelectorAll('.js-plotly-plot')].map(
    plot => [
        plot.closest('[data-testid="experiment-view-compare-runs-card"]').innerText.split('\\n')[0],
        plot.data.map(curve => [...curve.y]),
    ]
))"""
"""The values of each curve that is drawn, by the title of its chart."""

IMAGE_SIZES = "() => [...document.images].map(image => image.naturalWidth)"

MOUNTS = ["", "/api/v4/projects/1/ml/mlflow"]


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
async def test_page_shows_what_was_logged_and_nothing_fails(tab, filled, visits, page):
    fragment = page.fragment(filled)
    if "/artifacts/" in fragment:
        await tab.leave()
    await tab.show(fragment)
    await tab.shows(*page.shows)
    await tab.complete()
    problems = await tab.problems()
    visits[page.name] = Visit(fragment, tuple(tab.requests), tuple(problems))
    assert problems == []


@pytest.mark.parametrize("mount", MOUNTS, ids=["root", "project"])
async def test_link_that_clients_print_shows_the_run(first_visit, warren, filled, mount):
    opened = Tab(first_visit, warren.url + mount)
    await opened.load(f"/experiments/{filled.experiment}/runs/{filled.first}")
    await opened.shows("trial-00", "accuracy")
    assert await opened.problems() == []
    # A first visit opens an experiment on its runs, and no panel by itself.
    await opened.load(f"/experiments/{filled.experiment}")
    await opened.shows("trial-11")
    assert not await first_visit.locator("[data-assistant-ui]:visible").count()


async def test_home_of_one_workspace_opens_it_and_leads_to_help(first_visit, warren, filled):
    opened = Tab(first_visit, warren.url)
    await opened.load()
    await opened.shows("sweep")
    assert first_visit.url.endswith("/#/experiments?workspace=default")
    await first_visit.click("text=Connect a client")
    await opened.shows(f'export MLFLOW_TRACKING_URI="{warren.url}"')
    assert await opened.problems() == []
    await first_visit.goto(f"{warren.url}{MOUNTS[1]}/help/")
    await opened.shows(f"{warren.url}{MOUNTS[1]}", "MLFLOW_TRACKING_TOKEN")
    await first_visit.click("text=the web UI")
    await opened.shows("sweep")


async def test_curves_have_their_points(tab, filled):
    await tab.show(f"/experiments/{filled.experiment}/runs/{filled.first}/model-metrics")
    await tab.page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length >= 2")
    await tab.complete()
    curves = await tab.page.evaluate(CURVES)
    loss = curves["loss"][0]
    assert len(loss) == POINTS
    assert loss == sorted(loss, reverse=True)
    gap = curves["gap"][0]
    numbers = [value for value in gap if value is not None and math.isfinite(value)]
    assert POINTS - 1 <= len(gap) <= POINTS
    assert numbers == [step for step in range(POINTS) if step != POINTS // 2]


async def test_image_is_drawn(tab, filled):
    await tab.leave()
    await tab.show(f"/experiments/{filled.experiment}/runs/{filled.first}/artifacts/pics/img.png")
    await tab.page.wait_for_function(f"({IMAGE_SIZES})().includes(32)")


async def test_images_of_steps_are_drawn_beside_the_curves(tab, filled):
    await tab.show(f"/experiments/{filled.experiment}/runs/{filled.first}/model-metrics")
    await tab.shows("mask")
    await tab.page.wait_for_function(f"({IMAGE_SIZES})().includes(32)")


@pytest.mark.parametrize("path", ["/gateway"])
async def test_page_of_a_feature_that_is_off_is_not_there(tab, path):
    await tab.show(path)
    await tab.shows("Page Not Found")


async def test_nested_runs_unfold(tab, filled):
    await tab.show(f"/experiments/{filled.experiment}/runs?searchFilter=")
    await tab.shows("search-parent")
    assert "search-child" not in await tab.text()
    row = tab.page.locator('[role="row"]', has_text="search-parent")
    await row.get_by_role("button").click()
    await tab.shows(*(f"search-child-{number}" for number in range(CHILDREN)))


async def test_filter_finds_the_run(tab, filled):
    await tab.show(f"/experiments/{filled.experiment}/runs?searchFilter=")
    await tab.shows("trial-00")
    search = tab.page.get_by_test_id("runs-search-autocomplete").locator("input")
    await search.fill("metrics.accuracy > 0.605 and params.depth = '11'")
    await search.press("Enter")
    await tab.shows("1 matching run")
    assert "trial-11" in await tab.text()
    assert "trial-00" not in await tab.text()


async def test_review_queue_shows_its_traces(tab, filled):
    await tab.show(f"/experiments/{filled.traced.experiment}/review-queue?workflowType=genai")
    await tab.shows(QUEUE)
    await tab.page.get_by_text(QUEUE).first.click()
    await tab.shows(*QUESTIONS, "1 question", "Needs review (2)")
    assert await tab.problems() == []


async def test_runs_are_compared(tab, filled):
    runs, experiments = json.dumps(filled.runs[:3]), json.dumps([filled.experiment])
    await tab.show(f"/compare-runs?runs={runs}&experiments={experiments}")
    await tab.shows("Comparing 3 Runs from 1 Experiment", "trial-00", "trial-01", "trial-02")
    assert filled.runs[2] in await tab.text()
    # WebGL draws it, with scripts that are made while it is drawn.
    await tab.page.locator(".js-plotly-plot .parcoords").first.wait_for(state="attached")
    assert await tab.problems() == []


async def test_run_is_renamed(tab, filled):
    run = filled.runs[-2]
    await tab.show(f"/experiments/{filled.experiment}/runs/{run}")
    await tab.shows("trial-10")
    await tab.page.get_by_test_id("overflow-menu-trigger").click()
    await tab.page.get_by_test_id("overflow-rename-button").click()
    name = f"renamed-{uuid.uuid4().hex[:8]}"
    await tab.page.get_by_test_id("rename-modal-input").fill(name)
    await tab.page.get_by_role("button", name="Save").click()
    await tab.shows(name)
    assert await tab.problems() == []


async def test_experiment_is_created_and_deleted(tab):
    name = f"made-{uuid.uuid4().hex[:8]}"
    await tab.show("/experiments")
    await tab.page.get_by_test_id("create-experiment-button").click()
    await tab.page.get_by_label("Experiment Name").fill(name)
    await tab.page.get_by_role("button", name="Create", exact=True).last.click()
    await tab.page.wait_for_url(re.compile(r"/experiments/\d+"))
    await tab.show("/experiments")
    await tab.shows(name)
    row = tab.page.get_by_test_id("experiment-list-item").filter(has_text=name)
    await row.get_by_role("checkbox").click()
    await tab.page.get_by_test_id("delete-experiments-button").click()
    await tab.page.get_by_role("button", name="Delete").last.click()
    await row.wait_for(state="detached")
    assert await tab.problems() == []


async def test_logged_model_is_registered(tab, filled):
    await tab.show(f"/experiments/{filled.experiment}/models/{filled.model_id}")
    await tab.shows("forest")
    await tab.page.get_by_role("button", name="Register model").click()
    name = f"registered-{uuid.uuid4().hex[:8]}"
    await tab.page.get_by_role("combobox").last.click()
    await tab.page.get_by_text("Create New Model", exact=True).click()
    await tab.page.get_by_placeholder("Input a model name").fill(name)
    await tab.page.get_by_test_id("confirm-register-model").click()
    await tab.shows("Model registered successfully")
    await tab.show(f"/models/{name}/versions/1")
    await tab.shows(name, "Version 1")
    assert set(await tab.problems()) <= {"Model registered successfully"}
