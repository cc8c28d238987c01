"""A new user's way through the UI alone: the best run of a sweep, compared, looked at, registered, promoted."""

import pytest

from tests.browser.watching import Tab
from tests.rest import api

MODEL = "chosen"


@pytest.fixture
async def tab(first_visit, warren, filled):
    opened = Tab(first_visit, warren.url)
    await opened.load()
    return opened


async def test_best_run_of_a_sweep_is_found_compared_registered_and_promoted(tab, warren, filled):
    page = tab.page
    # Find the best run.
    await page.get_by_role("link", name="sweep").first.click()
    await tab.shows("trial-11")
    await page.get_by_role("button", name="Sort: Created").click()
    await page.keyboard.type("accuracy")
    await page.get_by_text("accuracy", exact=True).last.click()
    first = page.locator('[role="row"][row-index="0"]')
    await first.get_by_text("trial-00").wait_for()

    # Compare it with the next two.
    for index in range(3):
        row = page.locator(f'[role="row"][row-index="{index}"]')
        await row.get_by_role("checkbox").first.check()
    await page.get_by_role("button", name="Compare").click()
    await tab.shows("Comparing 3 Runs from 1 Experiment", "trial-00", "trial-11", "trial-10")
    await page.locator(".js-plotly-plot .parcoords").first.wait_for(state="attached")

    # Look at its picture.
    await page.get_by_role("link", name=filled.first).first.click()
    await page.get_by_role("tab", name="Artifacts").click()
    await page.get_by_text("pics", exact=True).click()
    await page.get_by_text("img.png", exact=True).click()
    await page.wait_for_function("[...document.images].some(image => image.naturalWidth === 32)")
    assert await tab.problems() == []

    # Register its model.
    await page.get_by_role("tab", name="Overview").click()
    await page.get_by_role("link", name="forest").last.click()
    await page.get_by_role("button", name="Register model").click()
    await page.get_by_role("combobox").last.click()
    await page.get_by_text("Create New Model", exact=True).click()
    await page.get_by_placeholder("Input a model name").fill(MODEL)
    await page.get_by_test_id("confirm-register-model").click()
    await tab.shows("Model registered successfully")

    # Promote it with an alias.
    await page.get_by_role("link", name="Model registry").click()
    await page.get_by_role("link", name=MODEL).click()
    await page.get_by_role("link", name="Version 1").click()
    await page.get_by_role("button", name="Add", exact=True).first.click()
    await page.get_by_role("dialog").get_by_role("combobox").fill("champion")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Save aliases").click()
    await page.get_by_text("Save aliases").wait_for(state="detached")
    await tab.shows("@\N{NO-BREAK SPACE}champion")

    async with api(warren.url) as rest:
        found = await rest.get("registered-models/alias", name=MODEL, alias="champion")
    assert found.body["model_version"]["model_id"] == filled.model_id
