"""The pages at a tracking URI: the web UI's, or without it the one that helps to connect clients."""

import re

import pytest
from pydantic import ValidationError

from services.gateway.settings import Settings
from services.gateway.ui.routes import HELP_FILES
from tests.unit.gateway.ui.conftest import INDEX

MOUNTS = ["", "/api/v4/projects/1/ml/mlflow"]


@pytest.mark.parametrize("mount", MOUNTS)
async def test_page_runs_the_start_script_first_and_links_to_help(client, mount):
    page = await (await client.get(f"{mount}/")).text()
    scripts = re.findall(r'<script [^>]*src="([^"]+)"', page)
    assert [each.partition("?")[0] for each in scripts] == ["help/start.js", "static-files/main.js"]
    assert '<a href="help/"' in page
    assert len(page) > len(INDEX)


@pytest.mark.parametrize("mount", MOUNTS)
async def test_start_script_of_the_page_is_kept_for_ever(client, mount):
    page = await (await client.get(f"{mount}/")).text()
    (address,) = re.findall(r'src="(help/start\.js[^"]+)"', page)
    kept = {}
    for each in (address, "help/start.js", "help/start.js?v=0123456789abcdef"):
        response = await client.get(f"{mount}/{each}")
        assert response.status == 200
        kept[each] = response.headers["Cache-Control"]
    assert list(kept.values()) == ["public, max-age=31536000, immutable", "no-cache", "no-cache"]


@pytest.mark.parametrize("mount", MOUNTS)
async def test_help_loads_nothing_from_elsewhere(client, mount):
    for name in HELP_FILES:
        path = "" if name == "help.html" else name
        text = await (await client.get(f"{mount}/help/{path}")).text()
        assert not re.search(r"https?://", text)
        named = re.findall(r'(?:src|href)="([\w.]+\.\w+)"', text)
        assert set(named) <= set(HELP_FILES)


@pytest.mark.parametrize("project", ["1", "group%2Fproject"])
async def test_tracking_uri_leads_to_the_page_wherever_a_proxy_puts_it(client, project):
    path = f"/api/v4/projects/{project}/ml/mlflow"
    response = await client.get(path, allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (308, "mlflow/")
    response = await client.get(f"{path}/help", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (308, "help/")


@pytest.mark.parametrize("mount", MOUNTS)
async def test_page_of_html_artifacts_has_an_origin_of_its_own(client, mount):
    response = await client.get(f"{mount}/help/frame.html")
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert "sandbox allow-scripts" in policy
    assert "frame-ancestors 'self'" in policy
    (sources,) = (each for each in policy if each.startswith("default-src"))
    # Scripts of figures, from their own publishers; nothing of this server or another by plain HTTP.
    assert sources == "default-src 'unsafe-inline' 'unsafe-eval' data: blob: https:"


async def test_icon_is_at_the_root_too(client):
    response = await client.get("/favicon.ico")
    assert (response.content_type, await response.read()) == ("image/x-icon", b"icon")


class TestWithoutTheUi:
    @pytest.fixture
    def settings(self, default_settings):
        return default_settings

    @pytest.mark.parametrize("mount", MOUNTS)
    async def test_tracking_uri_leads_to_help(self, client, mount):
        response = await client.get(f"{mount}/", allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (307, "help/")
        assert (await client.get(f"{mount}/")).status == 200

    async def test_nothing_of_the_ui_is_there(self, client):
        for path in (
            "/favicon.ico",
            "/static-files/manifest.json",
            "/ajax-api/3.0/mlflow/mcp-servers",
        ):
            assert (await client.get(path)).status == 404


def test_directory_without_the_ui_is_refused(tmp_path):
    with pytest.raises(ValidationError, match=r"has no index\.html"):
        Settings(ui_directory=tmp_path)


def test_empty_directory_turns_the_ui_off(monkeypatch):
    monkeypatch.setenv("WARREN_UI_DIRECTORY", "")
    assert Settings().ui_directory is None
