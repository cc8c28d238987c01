"""The page for people, as HTTP; what it shows is tested in a browser (tests/integration/gateway)."""

import re

import pytest
from pydantic import ValidationError

from services.gateway.settings import Settings
from services.gateway.ui.routes import FILES

PAGES = ["/", "/api/v4/projects/1/ml/mlflow/", "/api/v4/projects/group%2Fproject/ml/mlflow/"]


@pytest.fixture
def settings(default_settings):
    return default_settings.model_copy(update={"gitlab_url": "https://gitlab.example.com/git/"})


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("path", FILES)
async def test_files_lie_beside_the_page_and_load_nothing_from_elsewhere(client, bus, page, path):
    response = await client.get(page + path)
    assert response.status == 200
    assert response.content_type == FILES[path][1]
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"https?://|//[a-z]+\.", await response.text())
    assert not bus.sent


async def test_every_file_that_is_named_is_served(client):
    for path in FILES:
        text = await (await client.get(f"/{path}")).text()
        named = re.findall(r'(?:src|href)="([\w.]+)"|from "\./([\w.]+)"', text)
        assert {one or other for one, other in named} <= FILES.keys()


@pytest.mark.parametrize("project", ["1", "group%2Fproject"])
async def test_tracking_uri_leads_to_the_page_wherever_a_proxy_puts_it(client, project):
    path = f"/api/v4/projects/{project}/ml/mlflow"
    response = await client.get(path, allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (308, "mlflow/")


@pytest.mark.parametrize("door", ["", "/api/v4/projects/1/ml/mlflow"])
async def test_jobs_are_those_of_the_project_of_the_same_path_in_gitlab(client, door):
    answer = await (await client.get(f"{door}/links.json")).json()
    assert answer == {"jobs": "https://gitlab.example.com/git/root/default/-/jobs/"}


async def test_links_of_a_project_are_for_those_who_may_see_it(client):
    response = await client.get("/api/v4/projects/2/ml/mlflow/links.json")
    assert (response.status, (await response.json())["error_code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "gitlab.example.com", "https://", "https:///a"]
)
def test_address_of_gitlab_is_one(url):
    with pytest.raises(ValidationError):
        Settings(gitlab_url=url)


class TestWithoutGitLab:
    @pytest.fixture
    def settings(self, default_settings):
        return default_settings

    async def test_jobs_are_nowhere(self, client):
        assert await (await client.get("/links.json")).json() == {"jobs": None}
