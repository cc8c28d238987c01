"""Addresses that the REST API tells, where a GitLab is beside Warren."""

import json

import pytest
from aiohttp import ClientSession

from shared.messaging.messages import Answer

PROJECT = {"id": 7, "path_with_namespace": "team/churn", "web_url": ""}
GROUP = {"id": 3, "full_path": "team/inner", "web_url": ""}
USER = {"id": 5, "username": "ann", "web_url": ""}
PATHS = {7: "team/churn", 3: "groups/team/inner", 5: "ann"}


@pytest.fixture
async def beside_gitlab(gateways, bus, settings):
    own = settings.model_copy(update={"gitlab_url": "https://gitlab.example.com/sub/"})
    server = await gateways.enter(bus, own)
    async with ClientSession(f"http://127.0.0.1:{server.port}/api/v4/") as session:
        yield session


@pytest.mark.parametrize(
    ("path", "message", "item"),
    [
        ("projects/7", "GetProject", PROJECT),
        ("projects", "ListProjects", PROJECT),
        ("groups/3", "GetGroup", GROUP),
        ("user", "GetUser", USER),
        ("projects/7/members", "ListMembers", USER),
    ],
)
async def test_web_url_is_of_the_same_path_there(beside_gitlab, bus, path, message, item):
    page = {"items": [item], "total": 1, "page": 1, "per_page": 20}
    said = page if message.startswith("List") else item
    bus.replies[message] = Answer(json.dumps(said).encode())
    headers = {"PRIVATE-TOKEN": "t"}
    async with beside_gitlab.get(path, headers=headers) as response:
        found = await response.json()
    (one,) = found if isinstance(found, list) else [found]
    assert one["web_url"] == f"https://gitlab.example.com/sub/{PATHS[item['id']]}"


async def test_what_has_no_web_url_gets_none(beside_gitlab, bus):
    bus.replies["GetToken"] = Answer(b'{"id": 1}')
    headers = {"PRIVATE-TOKEN": "t"}
    async with beside_gitlab.get("personal_access_tokens/1", headers=headers) as response:
        assert await response.json() == {"id": 1}
