"""``warren project``, ``token`` and their like, against a whole Warren."""

import asyncio
import json

import pytest

from cli.__main__ import main
from tests.integration.access.conftest import NUMBERS, ROOT_TOKEN


@pytest.fixture
def warren(house, monkeypatch, capsys, own_logging):
    """Run a command line; return what it printed, or the sentence that it left with."""
    monkeypatch.setenv("WARREN_URL", house.url)
    monkeypatch.setenv("WARREN_TOKEN", ROOT_TOKEN)

    async def run(line: str) -> str:
        try:
            await asyncio.to_thread(main, line.split())
        except SystemExit as leaving:
            if not leaving.code:
                return capsys.readouterr().out.strip()
            return f"failed: {leaving.code}"
        return capsys.readouterr().out.strip()

    return run


async def test_from_nothing_to_a_colleague_who_logs(house, warren):
    group, user = f"lab{next(NUMBERS)}", f"kim{next(NUMBERS)}"
    assert (await warren(f"group create {group}")).endswith(f": {group}")
    made = await warren(f"project create {group}/vision --visibility internal")
    number = made.split()[1].rstrip(":")
    assert f"/api/v4/projects/{number}/ml/mlflow" in made
    assert f"{group}/vision" in await warren("project list")
    await warren(f"user create {user} --name Kim")
    assert await warren(f"member add {user} reporter --project {group}/vision") == (
        f"{user} is reporter of {group}/vision"
    )
    await warren(f"member add {user} developer --project {group}/vision")
    assert "developer" in await warren(f"member list --project {number}")
    token = await warren(f"token create laptop --user {user} --scope api --scope read_user")
    assert token.startswith("glpat-")
    kim = house.of(token)
    path = f"/api/v4/projects/{number}/ml/mlflow/api/2.0/mlflow/experiments/create"
    assert (await kim("POST", path, json={"name": "e"}))[0] == 200
    listed = await warren(f"token list --user {user}")
    assert "api,read_user" in listed
    assert token not in listed
    identifier = listed.splitlines()[1].split()[0]
    successor = await warren(f"token rotate {identifier} --expires 2099-01-01")
    assert (await kim.of(successor)("GET", "/api/v4/user"))[0] == 200
    await warren(f"member remove {user} --project {group}/vision")
    assert user not in await warren(f"member list --project {number}")
    assert user in await warren("user list")
    assert group in await warren("group list")


async def test_a_project_has_tokens_of_its_own(warren, house):
    made = await warren(
        "token create ci --project root/default --role reporter --expires 2099-01-01"
    )
    assert (await house.of(made)("GET", "/api/v4/projects/1"))[0] == 200
    listed = (await warren("token list --project 1")).splitlines()
    identifier = listed[1].split()[0]
    assert "revoked" in await warren(f"token revoke {identifier} --project 1")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("project create nowhere/p", "There is no group nowhere, or WARREN_TOKEN may not see it."),
        ("member add nobody guest --project 1", "There is no user nobody."),
        ("token revoke 99999999", "There is no token 99999999, or WARREN_TOKEN may not see it."),
        ("token create x --project 1", "--expires is missing (YYYY-MM-DD: "),
        ("token create x --expires soon", "--expires can't be 'soon' (YYYY-MM-DD: "),
        ("member add root guest --project no/such", "There is no project no/such, or"),
        ("project create -- -x", "path can't be '-x' (its path, as"),
        ("user create root", "Username has already been taken"),
    ],
)
async def test_what_is_wrong_is_said_in_a_sentence(warren, line, reason):
    answer = await warren(line)
    assert answer.startswith("failed: ")
    assert reason in answer


async def test_a_group_that_is_there_already_is_named(warren):
    group = f"twice{next(NUMBERS)}"
    await warren(f"group create {group}")
    assert await warren(f"group create {group}") == (
        f"failed: path {group} has already been taken."
    )


async def test_lists_are_json_for_programs_and_a_sentence_if_there_is_nothing(warren):
    shapes = {
        "project list": {"id", "path_with_namespace", "visibility", "web_url"},
        "group list": {"id", "full_path", "visibility"},
        "user list": {"id", "username", "name", "state"},
        "member list --project 1 --inherited": {"id", "username", "access_level", "role"},
        "token list": {"id", "name", "scopes", "active", "expires_at", "last_used_at"},
    }
    await warren(f"group create listed{next(NUMBERS)}")
    for line, fields in shapes.items():
        objects = [json.loads(each) for each in (await warren(f"{line} --json")).splitlines()]
        assert objects, line
        assert all(fields <= set(each) for each in objects), line
    user = f"lonely{next(NUMBERS)}"
    await warren(f"user create {user}")
    assert await warren(f"token list --user {user}") == "There are no such tokens."
    assert await warren(f"token list --user {user} --json") == ""


async def test_what_is_not_warren_is_called_so(warren, house, monkeypatch):
    monkeypatch.setenv("WARREN_URL", f"{house.url}/health")
    assert "WARREN_URL" in await warren("project list")


async def test_it_says_what_it_needs(warren, monkeypatch):
    monkeypatch.setenv("WARREN_URL", "http://127.0.0.1:1")
    assert "WARREN_URL says where it is" in await warren("project list")
    monkeypatch.setenv("WARREN_TOKEN", "")
    assert "WARREN_TOKEN must be an access token" in await warren("project list")
