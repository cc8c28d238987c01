"""HTML artifacts: their scripts run, for figures are drawn by scripts, and reach nothing of the server's."""

import pytest

from tests.browser.filling import upload
from tests.browser.watching import Tab
from tests.rest import api

LIBRARY = "https://cdn.example.com/figures.js"
"""mlflow.log_figure writes a figure of plotly with its script at a CDN, other libraries write theirs inline."""

FIGURE = f"""<!doctype html><html><head><script src="{LIBRARY}"></script></head><body>
<div id="figure"></div>
<script>draw(document.getElementById("figure"), [3, 1, 2])</script>
</body></html>"""

DRAW = """function draw(place, values) {
    place.innerHTML = `<svg>${values.map(each => `<rect height="${each}" width="1"/>`).join("")}</svg>`;
}"""

ATTACK = """<!doctype html><body><form action="SERVER/" method="post"></form><script>
const attempts = {
    cookie: () => document.cookie,
    storage: () => localStorage.length,
    page: () => parent.document.title,
    address: () => parent.location.href,
    top: () => { top.location = "SERVER/help/"; },
    popup: () => { if (window.open("SERVER/help/") === null) throw new Error("no window"); },
    read: async () => (await fetch("SERVER/ajax-api/2.0/mlflow/experiments/search?max_results=5", {
        credentials: "include" })).text(),
    write: async () => (await fetch("SERVER/ajax-api/2.0/mlflow/experiments/create", {
        method: "POST", mode: "no-cors", credentials: "include", body: '{"name": "by-an-artifact"}' })).type,
    worker: async () => {
        const source = `fetch("SERVER/ajax-api/2.0/mlflow/experiments/search?max_results=5").then(
            answer => postMessage("read " + answer.status), error => postMessage("refused"))`;
        const worker = new Worker(URL.createObjectURL(new Blob([source])));
        const said = await new Promise(done => { worker.onmessage = ({ data }) => done(data); });
        if (said === "refused") throw new Error(said);
        return said;
    },
};
(async () => {
    const succeeded = [];
    for (const [name, attempt] of Object.entries(attempts)) {
        try { succeeded.push(`${name}: ${await attempt()}`); } catch { }
    }
    document.querySelector("form").submit();
    const result = document.createElement("pre");
    result.textContent = `succeeded: [${succeeded.join("; ")}], origin: ${self.origin}`;
    document.body.append(result);
})();
</script></body>"""


@pytest.fixture
async def show(first_visit, warren, filled):
    async def open_artifact(name, html):
        async with api(warren.url) as rest:
            info = (await rest.get("runs/get", run_id=filled.first)).body["run"]["info"]
            await upload(rest, info["artifact_uri"], {name: html.encode()})
        tab = Tab(first_visit, warren.url)
        await tab.load(f"/experiments/{filled.experiment}/runs/{filled.first}/artifacts/{name}")
        return tab, first_visit.frame_locator("iframe.mlflow-html-iframe")

    return open_artifact


async def test_figure_is_drawn_by_its_scripts(first_visit, show):
    await first_visit.route(
        LIBRARY, lambda route: route.fulfill(body=DRAW, content_type="text/javascript")
    )
    tab, frame = await show("figure.html", FIGURE)
    await frame.locator("svg rect").nth(2).wait_for(state="attached")
    assert await tab.problems() == []


async def test_next_artifact_takes_the_place_of_the_first(first_visit, show):
    tab, frame = await show("one.html", "<h1>One</h1><script>document.title</script>")
    await frame.get_by_text("One").wait_for()
    await first_visit.get_by_text("page.html", exact=True).click()
    await frame.get_by_text("Report of the sweep").wait_for()
    assert await tab.problems() == []


async def test_script_of_an_artifact_reaches_nothing_of_the_server(first_visit, warren, show):
    tab, frame = await show("attack.html", ATTACK.replace("SERVER", warren.url))
    result = frame.get_by_text("succeeded:")
    await result.wait_for()
    assert await result.inner_text() == "succeeded: [], origin: null"
    await tab.complete()
    assert first_visit.url.startswith(f"{warren.url}/#/experiments/")
    assert len(first_visit.context.pages) == 1
    async with api(warren.url) as rest:
        experiments = (await rest.post("experiments/search", {"max_results": 100})).body
    assert "by-an-artifact" not in {each["name"] for each in experiments["experiments"]}


async def test_nobody_shows_another_page_under_this_address(first_visit, warren):
    """The page that an artifact becomes takes it from the UI alone: not from who opens it in a window of its own."""
    await first_visit.goto(f"{warren.url}/help/frame.html")
    await first_visit.evaluate("postMessage('<h1>Give me your token</h1>', '*')")
    await first_visit.evaluate("new Promise(done => setTimeout(done, 100))")
    assert await first_visit.inner_text("body") == ""
    other = await first_visit.context.new_page()
    await other.goto(f"{warren.url.replace('127.0.0.1', 'localhost')}/help/")
    await other.evaluate(
        """address => new Promise(done => {
            const opened = open(address);
            setTimeout(() => { opened.postMessage('<h1>Give me your token</h1>', '*'); done(); }, 1000);
        })""",
        f"{warren.url}/help/frame.html",
    )
    opened = first_visit.context.pages[-1]
    assert opened.url.endswith("/frame.html")
    assert await opened.inner_text("body") == ""
