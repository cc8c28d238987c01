"""One trace from an HTTP request over RabbitMQ to the statements in PostgreSQL."""

from functools import partial

import pytest
from aiohttp import ClientSession

from services.gateway.app import create_app
from services.gateway.server import serve
from services.gateway.settings import Settings
from services.tracking.handlers import HANDLERS
from shared.bus.amqp import AmqpTransport
from shared.bus.client import BusClient
from shared.service import PostgresService
from shared.settings import PostgresServiceSettings
from tests.spans import CLIENT, TRACE, Recorded, is_child

API = "/api/2.0/mlflow"


@pytest.fixture
def gateway():
    return Recorded()


@pytest.fixture
def tracking():
    return Recorded()


@pytest.fixture
async def client(gateway, tracking, amqp_vhost_url, database_dsn):
    """Connect a gateway and a service by RabbitMQ alone, as two processes are."""
    connect = partial(AmqpTransport, amqp_vhost_url, name="test", services=["tracking"])
    service = await PostgresService.start(
        "tracking", PostgresServiceSettings(dsn=database_dsn), HANDLERS, connect, tracking.tracing
    )
    bus = BusClient(connect())
    settings = Settings(port=0)
    app = create_app(bus, settings, gateway.tracing)
    await bus.start()
    server = await serve(app, settings)
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
    await server.close()
    await bus.close()
    await service.close()


async def test_request_is_one_trace_as_far_as_the_database(client, gateway, tracking):
    body = {"experiment_id": "0", "tags": [{"key": "k", "value": "a secret"}]}
    async with client.post(f"{API}/runs/create", json=body, headers={"traceparent": CLIENT}) as it:
        assert it.status == 200
    sent = gateway.one("send tracking.commands")
    processed = tracking.one("process tracking.commands")
    assert is_child(sent, gateway.one(f"POST {API}/runs/create"))
    assert is_child(processed, sent)
    statements = [span for span in tracking.spans if span is not processed]
    assert {span.context.trace_id for span in (*gateway.spans, *tracking.spans)} == {TRACE}
    assert all(is_child(span, processed) for span in statements)
    assert {"BEGIN", "COMMIT", "INSERT"} <= {span.name for span in statements}
    for span in statements:
        assert processed.start_time <= span.start_time <= span.end_time
    assert "a secret" not in gateway.text() + tracking.text()


async def test_query_and_its_statements_are_one_trace(client, tracking):
    async with client.get(f"{API}/experiments/get?experiment_id=0") as response:
        assert response.status == 200
    processed = tracking.one("process tracking.queries")
    statements = [span for span in tracking.spans if span is not processed]
    assert statements
    assert all(is_child(span, processed) for span in statements)


async def test_statements_outside_of_requests_have_no_trace(client, tracking):
    assert (await client.get("/health")).status == 200
    assert not tracking.spans
