"""GitLab's REST API about projects, groups, users and members, on a whole Warren."""

import json
import re

import pytest

from tests.integration.access.conftest import LATER, mlflow, name, place

UNAUTHORIZED = (401, {"error_code": "UNAUTHENTICATED", "message": "401 Unauthorized"})
"""What GitLab says of other people's tokens."""


def is_asked_for_a_token(answer):
    status, body = answer
    return (status, body["error_code"]) == (401, "UNAUTHENTICATED") and (
        body["message"].startswith("401 Unauthorized - A token is required.")
    )


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


async def test_a_member_gives_and_takes_no_role_above_its_own(house, group, project):
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
        assert is_asked_for_a_token(await anonymous("GET", f"/api/v4/{path}"))
    assert is_asked_for_a_token(await anonymous("POST", "/api/v4/projects", json={"name": "x"}))
    assert (await anonymous("GET", "/api/v4/projects/1"))[0] == 404
    assert (await house.of("glpat-unknown-unknown-unk")("GET", "/api/v4/projects"))[0] == 401


@pytest.mark.parametrize("visibility", ["private", "internal", "public"])
async def test_projects_are_shown_by_their_visibility(house, visibility):
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
    assert is_asked_for_a_token(await house.of("")("GET", read))
    assert (await user("GET", read))[0] == (200 if visibility == "public" else 404)


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


async def test_addresses_and_administrators_are_told_to_administrators_and_oneself_alone(house):
    ann, bob = await house.member(0, ""), await house.member(0, "")
    private = {"email", "is_admin"}
    basic = {"id", "username", "name", "state", "web_url", "avatar_url"}
    _, made = await house(
        "POST", "/api/v4/users", json={"username": name("eve"), "email": "eve@example.com"}
    )
    for path in (f"/api/v4/users/{made['id']}", f"/api/v4/users?username={made['username']}"):
        _, seen = await house("GET", path)
        seen = seen[0] if isinstance(seen, list) else seen
        assert (seen["email"], seen["is_admin"]) == ("eve@example.com", False)
    for path in ("/api/v4/user", f"/api/v4/users/{ann.user['id']}"):
        assert private <= (await ann("GET", path))[1].keys()
    _, seen = await ann("GET", f"/api/v4/users/{bob.user['id']}")
    assert seen.keys() == basic | {"bot", "created_at"}
    assert not private & (await ann("GET", "/api/v4/users/1"))[1].keys()
    _, listed = await ann("GET", "/api/v4/users?per_page=100")
    for each in listed:
        assert private <= each.keys() if each["id"] == ann.user["id"] else each.keys() == basic
    assert {1, ann.user["id"], bob.user["id"]} <= {each["id"] for each in listed}
    # What others may not see, they can't search for.
    assert (await ann("GET", "/api/v4/users?search=eve@example.com"))[1] == []


async def test_no_other_answer_tells_of_addresses_and_administrators(house, group):
    project = await house.make("/projects", name=name("p"), namespace_id=group["id"])
    ann = await house.member(20, place(project))
    lists = (
        f"/projects/{project['id']}/members/all",
        f"/projects/{project['id']}/members",
        f"/projects/{project['id']}/members/all/1",
        f"/projects/{project['id']}",
        "/projects",
        "/groups",
        "/personal_access_tokens",
    )
    for path in lists:
        status, body = await ann("GET", f"/api/v4{path}")
        assert status == 200
        text = json.dumps(body)
        assert not re.search(r"email|is_admin|digest|@", text), (path, text)
