"""GitLab's REST API about who may do what, on a whole Warren."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.access.conftest import NUMBERS

TODAY = datetime.now(UTC).date()
TOMORROW = (TODAY + timedelta(days=1)).isoformat()
LATER = (TODAY + timedelta(days=30)).isoformat()
UNAUTHORIZED = (401, {"message": "401 Unauthorized"})

SOON = 5.0
"""Seconds: it is one, on a machine that has nothing else to do, and a minute if no event is heard."""


def name(prefix):
    return f"{prefix}{next(NUMBERS)}"


@pytest.fixture
async def group(house):
    return await house.make("/groups", name="Team", path=name("team"))


@pytest.fixture
async def project(house, group):
    return await house.make("/projects", name=name("p"), namespace_id=group["id"])


def place(project):
    return f"/projects/{project['id']}"


def mlflow(project, path):
    return f"/api/v4/projects/{project['id']}/ml/mlflow/api/2.0/mlflow/{path}"


async def until(condition):
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < 10
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_a_project_is_made_read_changed_listed_and_deleted(house, group):
    title = name("My Project ")
    made = await house.make("/projects", name=title, namespace_id=group["id"], description="d")
    path = title.lower().replace(" ", "-")
    assert made["path_with_namespace"] == f"{group['full_path']}/{path}"
    assert made["name_with_namespace"] == f"Team / {title}"
    assert made["namespace"]["kind"] == "group"
    assert made["visibility"] == "private"
    assert made["created_at"].endswith("Z")
    assert made["permissions"]["group_access"] == {"access_level": 50}
    encoded = made["path_with_namespace"].replace("/", "%2F")
    assert await house("GET", f"/api/v4/projects/{encoded}") == (200, made)
    changes = {"visibility": "public", "model_registry_access_level": "disabled"}
    status, changed = await house("PUT", f"/api/v4/projects/{made['id']}", json=changes)
    assert status == 200
    assert changes.items() <= changed.items()
    status, listed = await house("GET", f"/api/v4/projects?search={path}&order_by=name&sort=asc")
    assert (status, [each["id"] for each in listed]) == (200, [made["id"]])
    status, _ = await house("DELETE", f"/api/v4/projects/{made['id']}")
    assert status == 202
    gone = (404, "404 Project Not Found")
    status, body = await house("GET", f"/api/v4/projects/{encoded}")
    assert (status, body["message"]) == gone
    again = await house.make("/projects", name=title, namespace_id=group["id"])
    assert again["id"] != made["id"]


async def test_a_user_has_a_namespace_as_soon_as_it_is_needed(house):
    ann = await house.member(0, "")
    made = await ann.make("/projects", path=name("own"))
    assert made["namespace"]["full_path"] == ann.user["username"]
    assert made["namespace"]["kind"] == "user"
    assert made["permissions"]["group_access"] == {"access_level": 50}
    status, _ = await ann("POST", mlflow(made, "experiments/create"), json={"name": "e"})
    assert status == 200


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/projects", {}, 400),
        ("/projects", {"name": "///"}, 400),
        ("/projects", {"path": ".x"}, 400),
        ("/projects", {"path": "a/b"}, 400),
        ("/projects", {"name": "x", "visibility": "secret"}, 400),
        ("/projects", {"name": "x", "namespace_id": 10**18}, 404),
        ("/projects", {"name": "x\0"}, 400),
        ("/projects", {"path": "default"}, 400),
        ("/projects", [], 400),
        ("/groups", {"name": "g"}, 400),
        ("/groups", {"name": "g", "path": "root"}, 400),
        ("/groups", {"name": "g", "path": "g", "parent_id": 1}, 404),
        ("/users", {"username": "root"}, 409),
        ("/users", {"username": "a b"}, 400),
        ("/users/1/personal_access_tokens", {"name": "t"}, 400),
        ("/users/1/personal_access_tokens", {"name": "t", "scopes": []}, 400),
        ("/users/1/personal_access_tokens", {"name": "t", "scopes": ["sudo!"]}, 400),
        (
            "/users/1/personal_access_tokens",
            {"name": "t", "scopes": ["api"], "expires_at": "2020-01-01"},
            400,
        ),
        (
            "/users/1/personal_access_tokens",
            {"name": "t", "scopes": ["api"], "expires_at": "never"},
            400,
        ),
        ("/users/999999/personal_access_tokens", {"name": "t", "scopes": ["api"]}, 404),
        ("/users/x/personal_access_tokens", {"name": "t", "scopes": ["api"]}, 400),
        ("/projects/1/members", {"user_id": 1, "access_level": 35}, 400),
        ("/projects/1/members", {"user_id": "1,x", "access_level": 30}, 400),
        ("/projects/1/members", {"user_id": 99999, "access_level": 30}, 404),
        ("/projects/none%2Fhere/members", {"user_id": 1, "access_level": 30}, 404),
        ("/projects/1/access_tokens", {"name": "t", "scopes": ["api"]}, 400),
        ("/personal_access_tokens/999999/rotate", {}, 404),
        ("/personal_access_tokens/x/rotate", {}, 400),
    ],
)
async def test_bad_requests_are_told_so(house, path, fields, status):
    answered, body = await house("POST", f"/api/v4{path}", json=fields)
    assert answered == status, body
    assert "message" in body or "error" in body


async def test_lists_have_pages(house, group):
    for _ in range(3):
        await house.make("/projects", name=name("paged"), namespace_id=group["id"])
    path = f"/api/v4/projects?search={group['path']}%2Fpaged&per_page=2"
    status, first = await house("GET", path)
    assert (status, len(first)) == (200, 2)
    headers = house.headers
    assert (headers["X-Total"], headers["X-Total-Pages"], headers["X-Next-Page"]) == ("3", "2", "2")
    assert 'rel="next"' in headers["Link"]
    _, second = await house("GET", f"{path}&page=2")
    assert (len(second), house.headers["X-Next-Page"], house.headers["X-Prev-Page"]) == (1, "", "1")
    assert not {each["id"] for each in first} & {each["id"] for each in second}
    for beyond in (3, 1000):
        status, nothing = await house("GET", f"{path}&page={beyond}")
        assert (status, nothing) == (200, [])
        headers = house.headers
        assert (headers["X-Total"], headers["X-Total-Pages"]) == ("3", "2")
        assert (headers["X-Next-Page"], headers["X-Prev-Page"]) == ("", "2")
    status, nothing = await house("GET", "/api/v4/projects?search=nothing+like+it&page=2")
    assert (nothing, house.headers["X-Total"]) == ([], "0")
    for bad in ("page=0", "page=x", "per_page=0", f"page={10**30}"):
        assert (await house("GET", f"/api/v4/projects?{bad}"))[0] == 400


async def test_members_are_added_changed_listed_and_removed(house, group, project):
    ann, bob = await house.member(0, ""), await house.member(30, f"/groups/{group['id']}")
    members = f"/api/v4/projects/{project['id']}/members"
    status, made = await house(
        "POST", members, data={"user_id": ann.user["id"], "access_level": 20, "expires_at": LATER}
    )
    assert (status, made["access_level"], made["expires_at"]) == (201, 20, LATER)
    again = {"user_id": str(ann.user["id"]), "access_level": "30"}
    status, body = await house("POST", members, json=again)
    assert (status, body["message"]) == (409, "Member already exists")
    one = f"{members}/{ann.user['id']}"
    status, changed = await house("PUT", one, json={"access_level": 40})
    assert (status, changed["access_level"], changed["expires_at"]) == (200, 40, None)
    _, direct = await ann("GET", members)
    assert [each["id"] for each in direct] == [ann.user["id"]]
    _, every = await ann("GET", f"{members}/all")
    assert {each["id"] for each in every} == {1, ann.user["id"], bob.user["id"]}
    assert (await ann("GET", f"{members}/all/{bob.user['id']}"))[1]["access_level"] == 30
    assert (await ann("GET", f"{members}/{bob.user['id']}"))[0] == 404
    assert (await ann("DELETE", one))[0] == 204
    assert (await house("GET", one))[0] == 404


async def test_nobody_gives_or_takes_more_than_they_have(house, group, project):
    maintainer = await house.member(40, place(project))
    owner, other = await house.member(50, place(project)), await house.member(0, "")
    members = f"/api/v4/projects/{project['id']}/members"
    asked = {"user_id": other.user["id"], "access_level": 50}
    assert (await maintainer("POST", members, json=asked))[0] == 403
    owners = f"{members}/{owner.user['id']}"
    assert (await maintainer("DELETE", owners))[0] == 403
    assert (await maintainer("PUT", owners, json={"access_level": 10}))[0] == 403
    own = f"{members}/{maintainer.user['id']}"
    assert (await maintainer("PUT", own, json={"access_level": 50}))[0] == 403
    developer = await house.member(30, place(project))
    assert (await developer("POST", members, json={**asked, "access_level": 10}))[0] == 403
    assert (await other("POST", members, json={**asked, "access_level": 10}))[0] == 404
    assert (await maintainer("PUT", f"/api/v4{place(project)}", json={"visibility": "public"}))[
        0
    ] == 403
    assert (await maintainer("DELETE", f"/api/v4{place(project)}"))[0] == 403


async def test_a_group_keeps_an_owner(house, group):
    one = f"/api/v4/groups/{group['id']}/members/1"
    assert (await house("DELETE", one))[0] == 403
    assert (await house("PUT", one, json={"access_level": 30}))[0] == 403


async def test_only_administrators_make_users_and_others_tokens(house, project):
    ann = await house.member(50, place(project))
    assert (await ann("POST", "/api/v4/users", json={"username": name("x")}))[0] == 403
    made = {"name": "t", "scopes": ["api"]}
    assert (await ann("POST", "/api/v4/users/1/personal_access_tokens", json=made))[0] == 403
    assert await ann("GET", "/api/v4/personal_access_tokens?user_id=1") == UNAUTHORIZED
    assert await ann("GET", "/api/v4/personal_access_tokens/1") == UNAUTHORIZED
    assert await ann("DELETE", "/api/v4/personal_access_tokens/1") == UNAUTHORIZED
    assert await ann("POST", "/api/v4/personal_access_tokens/1/rotate") == UNAUTHORIZED
    _, own = await ann("GET", "/api/v4/personal_access_tokens")
    assert {each["user_id"] for each in own} == {ann.user["id"]}
    _, user = await ann("GET", "/api/v4/user")
    assert user["username"] == ann.user["username"]


async def test_without_a_token_nothing_is_told(house):
    anonymous = house.of("")
    for path in (
        "user",
        "users",
        "projects/1/members",
        "projects/1/access_tokens",
        "personal_access_tokens/self",
    ):
        assert await anonymous("GET", f"/api/v4/{path}") == UNAUTHORIZED
    assert (await anonymous("POST", "/api/v4/projects", json={"name": "x"})) == UNAUTHORIZED
    assert (await anonymous("GET", "/api/v4/projects/1"))[0] == 404
    assert (await house.of("glpat-unknown-unknown-unk")("GET", "/api/v4/projects"))[0] == 401


@pytest.mark.parametrize("visibility", ["private", "internal", "public"])
async def test_what_is_public_is_told_to_everybody(house, visibility):
    path = name("told")
    group = await house.make("/groups", name="g", path=path, visibility=visibility)
    project = await house.make(
        "/projects", path="p", namespace_id=group["id"], visibility=visibility
    )
    user = await house.member(0, "")
    for api, seen in ((house.of(""), visibility == "public"), (user, visibility != "private")):
        status = 200 if seen else 404
        for one in (f"projects/{project['id']}", f"projects/{path}%2Fp", f"groups/{path}"):
            assert (await api("GET", f"/api/v4/{one}"))[0] == status
        for kind in ("projects", "groups"):
            _, listed = await api("GET", f"/api/v4/{kind}?search={path}")
            assert len(listed) == seen
    # Their experiments are for users alone, as in GitLab.
    read = mlflow(project, "experiments/get?experiment_id=0")
    assert await house.of("")("GET", read) == UNAUTHORIZED
    assert (await user("GET", read))[0] == (200 if visibility == "public" else 404)


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


async def test_the_version_is_told(house):
    assert (await house.of("")("GET", "/api/v4/version"))[0] == 200


async def test_addresses_lead_to_a_projects_page_here(house, project):
    _, found = await house("GET", f"/api/v4{place(project)}")
    assert found["web_url"] == f"{house.url}{mlflow(project, '').partition('/api/2.0')[0]}/"
    async with house.session.get(found["web_url"]) as page:
        assert (page.status, page.content_type) == (200, "text/html")
    _, listed = await house("GET", f"/api/v4/projects?search={project['path']}")
    assert [each["web_url"] for each in listed] == [found["web_url"]]
    assert (await house("GET", "/api/v4/user"))[1]["web_url"] == ""
