"""After an upgrade from any older schema each user has the rights that they had before."""

import pytest

from services.access.bootstrap import SCHEMA
from shared.contracts.token_digests import digest_of
from shared.postgres.pool import open_pool
from tests.integration.access.conftest import ROOT_TOKEN, Access
from tests.integration.past_schemas import pasts, upgrade

TOKEN = "glpat-ann-ann-ann-ann-ann"
LISTS = ("ListUsers", "ListTokens", "ListGroups", "ListProjects")


async def fill(access):
    """Make some of everything."""
    group = await access.call("CreateGroup", 1, name="Team", path="team")
    made = {"path": "p", "namespace_id": group["id"], "model_registry_access_level": "disabled"}
    project = await access.call("CreateProject", 1, **made)
    ann = await access.call("CreateUser", 1, username="ann", name="Ann")
    member = {"user_id": str(ann["id"]), "expires_at": "2999-01-01"}
    for kind, of, role in (("group", group, 20), ("project", project, 30)):
        where = {"source_kind": kind, "source": str(of["id"]), "access_level": role}
        await access.call("AddMember", 1, **where, **member)
    token = {"name": "t", "scopes": ["read_api"], "expires_at": "2999-01-02"}
    digest = digest_of(TOKEN)
    await access.call("CreateToken", 1, user_id=ann["id"], new_digest=digest, **token)


async def everything(access):
    """Read all of it, as gateways and GitLab's clients do; first what notes that a token is in use."""
    answers = [
        await access.authorize(token, project)
        for token in (ROOT_TOKEN, TOKEN, "")
        for project in ("team/p", "")
    ]
    for answer in answers:
        answer.pop("fresh_for", None)  # It gets less while we look.
    members = [
        await access.call("ListMembers", 1, source_kind=kind, source=source)
        for kind, source in (("group", "team"), ("project", "team/p"))
    ]
    return answers, members, [await access.call(each, 1) for each in LISTS]


@pytest.mark.parametrize(("service", "version"), list(pasts(SCHEMA)))
async def test_an_upgrade_changes_no_answer(access, database_dsn, another_dsn, service, version):
    await fill(access)
    wanted = await everything(access)
    await upgrade(service, version, database_dsn, another_dsn)
    pool = await open_pool(another_dsn, schema=SCHEMA, size=2, application_name="test")
    try:
        assert await everything(Access(pool)) == wanted
    finally:
        await pool.close()
