"""The gateways' one question, on tables that are filled by hand."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from services.access.bootstrap import ensure_root_token
from services.access.dates import milliseconds
from shared.contracts.access import Ability
from shared.contracts.token_digests import digest_of
from shared.runtime.clock import now
from tests.integration.access.conftest import ROOT_TOKEN

TOKEN = "glpat-ann-ann-ann-ann-ann"
TODAY = datetime.now(UTC).date()
TOMORROW = TODAY + timedelta(days=1)
DAY = 24 * 3600 * 1000


@pytest.fixture
async def ann(pool):
    """A user with a token, a group ``team`` with ``team/inner`` in it, and the project ``team/inner/p``."""
    user = await pool.fetchval(
        "INSERT INTO users (username, name, creation_time) VALUES ('ann', 'Ann', 0)"
        " RETURNING user_id"
    )
    await pool.execute(
        "INSERT INTO namespaces (namespace_id, parent_id, path, full_path, name, full_name,"
        " creation_time) VALUES (50, NULL, 'team', 'team', 't', 't', 0),"
        " (51, 50, 'inner', 'team/inner', 'i', 't / i', 0)"
    )
    await pool.execute(
        "INSERT INTO projects (project_id, namespace_id, path, full_path, name, creator_id,"
        " creation_time, last_updated_time) VALUES (60, 51, 'p', 'team/inner/p', 'P', 1, 0, 0)"
    )
    await pool.execute(
        "INSERT INTO tokens (digest, user_id, name, scopes, creation_time)"
        " VALUES ($1, $2, 't', '{read_api}', 0)",
        bytes.fromhex(digest_of(TOKEN)),
        user,
    )
    return user


async def test_the_first_administrator_may_everything_in_the_root_project(access):
    answer = await access.authorize(ROOT_TOKEN)
    assert answer["state"] == "active"
    assert (answer["user_id"], answer["username"], answer["is_admin"]) == (1, "root", True)
    assert answer["project"] == {"id": 1, "path": "root/default", "name": "default"}
    assert set(answer["abilities"]) == set(Ability)
    assert answer["scopes"] == ["api"]
    assert "fresh_for" not in answer


@pytest.mark.parametrize("token", ["glpat-unknown-unknown-unk", " ", "\ud800"])
async def test_an_unknown_token_is_told_nothing(access, token):
    answer = await access.authorize(token)
    assert answer["state"] == "unknown"
    assert not answer["abilities"]
    assert "project" not in answer


@pytest.mark.parametrize("digest", ["x", "00", "é", "0" * 63, "0" * 10_000])
async def test_what_is_no_digest_is_an_unknown_token(access, digest):
    assert (await access.call("Authorize", token_digest=digest))["state"] == "unknown"


async def test_anonymous_callers_may_nothing_in_a_private_project(access):
    answer = await access.authorize()
    assert (answer["user_id"], answer["abilities"]) == (0, [])
    assert "project" not in answer


@pytest.mark.parametrize("project", ["60", "team/inner/p", "Team/Inner/P"])
async def test_a_project_is_hidden_from_who_has_no_role_in_it(access, ann, project):
    answer = await access.authorize(TOKEN, project)
    assert answer["state"] == "active"
    assert "project" not in answer
    assert not answer["abilities"]


@pytest.mark.parametrize(
    "project", ["61", "060", "6" * 30, "p", "60/", "%", "team/inner/p/x", "\x00", "\uff16\uff10"]
)
async def test_what_is_no_project_is_not_found(access, ann, project):
    if project == "\x00":
        with pytest.raises(Exception, match="NUL|null"):
            await access.authorize(ROOT_TOKEN, project)
        return
    assert "project" not in await access.authorize(ROOT_TOKEN, project)


@pytest.mark.parametrize("source", ["project_id, 60", "namespace_id, 51", "namespace_id, 50"])
async def test_a_role_counts_in_all_that_lies_below(access, pool, ann, source):
    column, number = source.split(", ")
    await pool.execute(
        f"INSERT INTO members (user_id, {column}, access_level, creation_time)"
        f" VALUES ({ann}, {number}, 30, 0)"
    )
    answer = await access.authorize(TOKEN, "60")
    assert answer["project"]["path"] == "team/inner/p"
    assert Ability.WRITE_MODEL_EXPERIMENTS in answer["abilities"]
    assert Ability.ADMIN_PROJECT not in answer["abilities"]


async def test_the_highest_role_counts_until_it_ends(access, pool, ann):
    await pool.execute(
        "INSERT INTO members (user_id, namespace_id, project_id, access_level, creation_time,"
        " expires_at) VALUES ($1, 50, NULL, 10, 0, NULL), ($1, NULL, 60, 40, 0, $2)",
        ann,
        TOMORROW,
    )
    answer = await access.authorize(TOKEN, "60")
    assert Ability.ADMIN_PROJECT in answer["abilities"]
    assert 0 < milliseconds(TOMORROW) - now() <= answer["fresh_for"] <= DAY
    await pool.execute("UPDATE members SET expires_at = $1 WHERE project_id = 60", TODAY)
    answer = await access.authorize(TOKEN, "60")
    assert Ability.READ_MODEL_REGISTRY in answer["abilities"]
    assert Ability.WRITE_MODEL_REGISTRY not in answer["abilities"]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("UPDATE tokens SET expires_at = '{today}'", "expired"),
        ("UPDATE tokens SET expires_at = '{tomorrow}'", "active"),
        ("UPDATE tokens SET revocation_time = 1", "revoked"),
        ("UPDATE tokens SET revocation_time = 1, expires_at = '{today}'", "revoked"),
        ("UPDATE users SET state = 'blocked'", "blocked"),
    ],
)
async def test_what_became_of_a_token(access, pool, change, state):
    await pool.execute(change.format(today=TODAY, tomorrow=TOMORROW))
    answer = await access.authorize(ROOT_TOKEN)
    assert answer["state"] == state
    assert bool(answer["abilities"]) == (state == "active")


@pytest.mark.parametrize("apart", [-2 * DAY, 2 * DAY])
async def test_the_end_of_a_token_is_told_by_the_databases_clock(access, pool, apart):
    """A process whose own clock is days apart honours nothing that has ended, and all that has not."""
    access.executor.clock = lambda: time.time() + apart / 1000
    await pool.execute("UPDATE tokens SET expires_at = $1", TOMORROW)
    assert (await access.authorize(ROOT_TOKEN))["state"] == "active"
    await pool.execute("UPDATE tokens SET expires_at = $1", TODAY)
    assert (await access.authorize(ROOT_TOKEN))["state"] == "expired"


async def test_deleted_projects_are_gone_for_administrators_too(access, pool, ann):
    await pool.execute("UPDATE projects SET deletion_time = 1 WHERE project_id = 60")
    assert "project" not in await access.authorize(ROOT_TOKEN, "60")


async def test_the_last_use_is_noted_now_and_then(access, pool):
    await access.authorize(ROOT_TOKEN)
    first = await pool.fetchval("SELECT last_used_time FROM tokens")
    await access.authorize(ROOT_TOKEN)
    assert first
    assert await pool.fetchval("SELECT last_used_time FROM tokens") == first


async def test_only_digests_are_stored(access, pool):
    row = await pool.fetchval("SELECT tokens::text FROM tokens")
    assert ROOT_TOKEN not in row


async def test_the_first_start_makes_a_token_once(database_dsn):
    token = await ensure_root_token(database_dsn)
    assert token is not None
    assert token.startswith("glpat-")
    assert len(token) >= 26
    assert await ensure_root_token(database_dsn) is None


async def test_a_given_token_that_was_revoked_stays_so(access, pool, database_dsn):
    await pool.execute("UPDATE tokens SET revocation_time = 1")
    assert await ensure_root_token(database_dsn, ROOT_TOKEN) is None
    assert (await access.authorize(ROOT_TOKEN))["state"] == "revoked"
