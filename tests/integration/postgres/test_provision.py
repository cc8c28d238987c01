"""Roles and schemas on a real server: by a superuser, and by who may only create roles and databases."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local.embedded.postgres import EmbeddedPostgres
from deploy.provision.__main__ import prepare
from deploy.provision.settings import ProvisionSettings
from shared.runtime.starting import StartError

ODD = 'it\'s 100% $$ "odd"/?#'
ENCODED = "it%27s%20100%25%20%24%24%20%22odd%22%2F%3F%23"


@pytest.fixture
async def address(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    yield urlsplit(postgres.dsn("postgres")).netloc.rpartition("@")[2]
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute("DROP DATABASE IF EXISTS provisioned WITH (FORCE)")
    for role in ("tracking_x", "registry_x", "limited"):
        await admin.execute(f"DROP ROLE IF EXISTS {role}")
    await admin.close()


def settings(admin: str, address: str, password: str = ENCODED) -> ProvisionSettings:
    return ProvisionSettings(
        admin_dsn=admin,
        tracking_dsn=f"postgresql://tracking_x:{password}@{address}/provisioned",
        registry_dsn=f"postgresql://registry_x:{password}@{address}/provisioned",
    )


async def run(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.fixture(params=["superuser", "limited"])
async def admin(request, postgres: EmbeddedPostgres, address: str) -> str:
    if request.param == "superuser":
        return postgres.dsn("postgres")
    await run(
        postgres.dsn("postgres"), "CREATE ROLE limited LOGIN CREATEROLE CREATEDB PASSWORD 'limited'"
    )
    return f"postgresql://limited:limited@{address}/postgres"


async def test_services_find_migrated_schemas_of_their_own(admin: str, address: str) -> None:
    given = settings(admin, address)
    await prepare(given)
    await prepare(given)
    assert await run(given.tracking_dsn, "SELECT count(*) FROM tracking.runs") == 0
    assert await run(given.registry_dsn, "SELECT count(*) FROM registry.model_versions") == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM registry.model_versions",
        "CREATE TABLE registry.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "SET ROLE registry_x",
        "CREATE ROLE mine",
    ],
)
async def test_a_role_has_no_right_outside_its_schema(admin: str, address: str, sql: str) -> None:
    given = settings(admin, address)
    await prepare(given)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(given.tracking_dsn, sql)


async def test_a_new_password_is_set(admin: str, address: str) -> None:
    await prepare(settings(admin, address))
    changed = settings(admin, address, password="changed")
    await prepare(changed)
    assert await run(changed.tracking_dsn, "SELECT 1") == 1


async def test_without_an_administrator_schemas_are_only_migrated(
    postgres: EmbeddedPostgres, address: str
) -> None:
    with pytest.raises(StartError, match="WARREN_ADMIN_DSN"):
        await prepare(settings("", address))
    await prepare(settings(postgres.dsn("postgres"), address))
    await prepare(settings("", address))


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    nowhere = settings("postgresql://a:b@127.0.0.1:1/postgres", "127.0.0.1:1")
    with pytest.raises(StartError, match="did not answer within"):
        await prepare(nowhere.model_copy(update={"provision_timeout": 0.2}))


@pytest.mark.parametrize("dsn", ["postgresql://host/db", "postgresql://u:p@host", ""])
async def test_an_incomplete_address_is_refused_without_its_password(dsn: str) -> None:
    with pytest.raises(StartError, match="DSN") as refusal:
        await prepare(ProvisionSettings(tracking_dsn=dsn))
    assert ":p@" not in str(refusal.value)
