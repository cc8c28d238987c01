"""GitLab's REST API about tokens, and how soon what becomes of tokens, roles and users counts, on a whole Warren."""

from datetime import timedelta

import pytest

from tests.integration.access.conftest import LATER, SOON, TODAY, mlflow, name, place, until

TOMORROW = (TODAY + timedelta(days=1)).isoformat()


async def test_a_revoked_token_is_out_within_a_second(house, project):
    ann = await house.member(30, place(project))
    read = mlflow(project, "experiments/get?experiment_id=0")
    assert (await ann("GET", read))[0] == 200
    assert (await ann("DELETE", "/api/v4/personal_access_tokens/self"))[0] == 204

    async def out():
        return (await ann("GET", read))[0] == 401

    assert await until(out) < SOON
    assert "revoked" in (await ann("GET", read))[1]["error_description"]


async def test_a_role_counts_and_ends_within_a_second(house, project):
    ann = await house.member(30, place(project))
    create = mlflow(project, "experiments/create")
    assert (await ann("POST", create, json={"name": "a"}))[0] == 200
    one = f"/api/v4{place(project)}/members/{ann.user['id']}"
    await house("PUT", one, json={"access_level": 20})

    async def may_not_write():
        return (await ann("POST", create, json={"name": name("e")}))[0] == 401

    assert await until(may_not_write) < SOON
    await house("DELETE", one)

    async def sees_nothing():
        return (await ann("GET", mlflow(project, "experiments/get?experiment_id=0")))[0] == 404

    assert await until(sees_nothing) < SOON


async def test_a_blocked_user_is_out(house, project):
    ann = await house.member(30, place(project))
    ignored = {"state": "active"}
    blocked = await house("POST", f"/api/v4/users/{ann.user['id']}/block", json=ignored)
    assert blocked == (201, True)

    async def out():
        return (await ann("GET", "/api/v4/user"))[0] == 403

    assert await until(out) < SOON
    assert (await house("POST", f"/api/v4/users/{ann.user['id']}/unblock"))[0] == 201
    assert await until(lambda: lets_in(ann)) < SOON


async def lets_in(api):
    return (await api("GET", "/api/v4/user"))[0] == 200


async def test_a_token_is_rotated_and_its_reuse_revokes_what_came_from_it(house):
    first = await house.member(0, "")
    status, second = await first("POST", "/api/v4/personal_access_tokens/self/rotate")
    assert status == 200
    assert second["expires_at"] == (TODAY + timedelta(days=7)).isoformat()
    assert second["scopes"] == ["api"]
    successor = first.of(second["token"])
    assert (await successor("GET", "/api/v4/user"))[0] == 200

    async def revoked():
        return (await first("GET", "/api/v4/user"))[0] == 401

    await until(revoked)
    status, body = await first("POST", "/api/v4/personal_access_tokens/self/rotate")
    assert (status, body["error"]) == (401, "invalid_token")

    async def family_revoked():
        return (await successor("GET", "/api/v4/user"))[0] == 401

    assert await until(family_revoked) < SOON


async def test_scopes_say_what_a_token_is_for(house, project):
    reader = await house.member(50, place(project), ["read_api"])
    assert (await reader("GET", f"/api/v4{place(project)}"))[0] == 200
    assert (await reader("POST", mlflow(project, "runs/search"), json={"experiment_ids": ["0"]}))[
        0
    ] == 200
    status, body = await reader("POST", "/api/v4/projects", json={"name": "x"})
    assert (status, body["error"], body["scope"]) == (403, "insufficient_scope", "api")
    rotating = await house.member(50, place(project), ["self_rotate"])
    assert (await rotating("GET", "/api/v4/projects"))[0] == 403
    status, _ = await rotating(
        "POST", "/api/v4/personal_access_tokens/self/rotate", json={"expires_at": TOMORROW}
    )
    assert status == 200
    user = await house.member(0, "", ["read_user"])
    assert (await user("GET", "/api/v4/user"))[0] == 200
    assert (await user("DELETE", "/api/v4/personal_access_tokens/self"))[0] == 204


@pytest.mark.parametrize("kind", ["projects", "groups"])
async def test_projects_and_groups_have_tokens_of_their_own(house, group, project, kind):
    number = {"projects": project["id"], "groups": group["id"]}[kind]
    path = f"/{kind}/{number}/access_tokens"
    fields = {"name": "ci", "scopes": ["api"], "expires_at": LATER, "access_level": 30}
    made = await house.make(path, **fields)
    assert (made["access_level"], made["expires_at"]) == (30, LATER)
    bot = house.of(made["token"])
    assert (await bot("POST", mlflow(project, "experiments/create"), json={"name": name("e")}))[
        0
    ] == 200
    assert (await bot("GET", "/api/v4/user"))[1]["bot"]
    assert (await bot("POST", f"/api/v4{path}", json=fields))[0] == 403
    assert (await bot("POST", "/api/v4/projects", json={"name": "x"}))[0] == 403
    _, listed = await house("GET", f"/api/v4{path}")
    assert [each["id"] for each in listed] == [made["id"]]
    assert "token" not in listed[0]
    for query, count in (
        ("search=c", 1),
        ("search=x", 0),
        ("revoked=true", 0),
        ("state=active", 1),
    ):
        assert len((await house("GET", f"/api/v4{path}?{query}"))[1]) == count
    one = f"/api/v4{path}/{made['id']}"
    assert (await house("GET", one))[0] == 200
    status, again = await house("POST", f"{one}/rotate", json={"expires_at": LATER})
    assert (status, again["access_level"]) == (200, 30)
    assert (await house("GET", f"/api/v4/projects/1/access_tokens/{made['id']}"))[0] == 404
    assert (await house("DELETE", f"/api/v4{path}/{again['id']}"))[0] == 204
    maintainer = await house.member(40, f"/{kind}/{number}")
    status, _ = await maintainer("POST", f"/api/v4{path}", json={**fields, "access_level": 50})
    assert status == 403


async def test_clients_cannot_say_what_the_gateway_says(house):
    ann = await house.member(0, "")
    status, root = await house("GET", "/api/v4/personal_access_tokens/self")
    forged = {
        "ownDigest": "0" * 64,
        "own_digest": "0" * 64,
        "tokenId": root["id"],
        "token_id": root["id"],
    }
    status, body = await ann("GET", "/api/v4/personal_access_tokens/self", params=forged)
    assert (status, body["user_id"]) == (200, ann.user["id"])
    status, body = await ann("POST", "/api/v4/personal_access_tokens/self/rotate", json=forged)
    assert (status, body["user_id"]) == (200, ann.user["id"])
