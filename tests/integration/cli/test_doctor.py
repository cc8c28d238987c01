"""``warren doctor`` as a process: with a service that does not run, and with all of them."""

import json
from contextlib import AsyncExitStack
from functools import partial

import asyncpg

from services.registry.handlers import HANDLERS as REGISTRY
from services.traces.handlers import HANDLERS as TRACES
from shared.messaging.amqp import AmqpTransport
from shared.postgres.migrate import service_migrations
from shared.runtime.settings import PostgresServiceSettings
from shared.serving.postgres import PostgresService

NEWEST = max(
    each.version for each in service_migrations("tracking") if each.component == "tracking"
)


LATER = {"registry": REGISTRY, "traces": TRACES}
"""The services that do not run at first."""


async def diagnosed(warren, *arguments):
    process = await warren.command("doctor", *arguments)
    said, errors = await process.communicate()
    assert errors == b""
    return process.returncode, said.decode()


async def test_a_service_that_does_not_run_is_wrong_and_all_that_run_are_well(warren, database_dsn):
    code, said = await diagnosed(warren)
    assert code == 1
    assert "ok       broker: RabbitMQ 3" in said or "ok       broker: RabbitMQ 4" in said
    assert "wrong    registry.commands: it has no consumer; 0 messages wait" in said
    assert "wrong    registry: The registry service is not running." in said
    assert f"ok       tracking schema: tracking is at {NEWEST}, the code at {NEWEST}" in said

    settings = PostgresServiceSettings(dsn=database_dsn)
    async with AsyncExitStack() as running:
        for name, handlers in LATER.items():
            connect = partial(AmqpTransport, warren.url, party=name, services=[name, "tracking"])
            service = await PostgresService.start(name, settings, handlers, connect)
            running.push_async_callback(service.close)
        code, said = await diagnosed(warren, "--json")
    findings = [json.loads(line) for line in said.splitlines()]
    assert {each["state"] for each in findings} == {"ok"}, said
    assert code == 0
    assert {"artifacts.events", "registry clock", "traces.events", "tracking clock"} <= {
        each["what"] for each in findings
    }


async def test_a_schema_of_another_release_is_wrong(warren, database_dsn):
    connection = await asyncpg.connect(database_dsn)
    await connection.execute(
        "DELETE FROM tracking.migrations WHERE component = 'tracking' AND version = $1", NEWEST
    )
    await connection.close()
    code, said = await diagnosed(warren)
    assert code == 1
    assert f"wrong    tracking schema: tracking is at {NEWEST - 1}, the code at {NEWEST}" in said
