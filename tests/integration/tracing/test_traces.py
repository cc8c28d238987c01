"""One trace from an HTTP request over RabbitMQ to the statements in PostgreSQL."""

import asyncio
from dataclasses import asdict
from functools import partial

import pytest
from aiohttp import ClientSession

from services.artifacts.service import ArtifactsService
from services.artifacts.settings import S3Settings
from services.gateway.app import create_app
from services.gateway.http.server import serve
from services.gateway.settings import Settings
from services.registry.handlers import HANDLERS as REGISTRY
from services.tracking.handlers import HANDLERS as TRACKING
from shared.messaging.amqp import AmqpTransport
from shared.messaging.client import BusClient
from shared.runtime.settings import PostgresServiceSettings
from shared.serving.postgres import PostgresService
from tests.spans import CLIENT, TRACE, Recorded, is_child

API = "/api/2.0/mlflow"


@pytest.fixture
def gateway():
    return Recorded()


@pytest.fixture
def tracking():
    return Recorded()


@pytest.fixture
def artifacts():
    return Recorded()


@pytest.fixture
def connect(amqp_vhost_url):
    services = ["tracking", "registry", "artifacts"]
    return partial(AmqpTransport, amqp_vhost_url, services=services)


@pytest.fixture
async def client(gateway, tracking, connect, database_dsn):
    """Connect a gateway and a service by RabbitMQ alone, as two processes are."""
    service = await PostgresService.start(
        "tracking",
        PostgresServiceSettings(dsn=database_dsn),
        TRACKING,
        partial(connect, party="tracking"),
        tracking.tracing,
    )
    bus = BusClient(connect(party="gateway"))
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
    sent = gateway.one("send tracking.transient-commands")
    processed = tracking.one("process tracking.transient-commands")
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


@pytest.fixture
async def registry(connect, database_dsn):
    """A second service, which sends events to the first one and is not traced."""
    settings = PostgresServiceSettings(dsn=database_dsn)
    service = await PostgresService.start(
        "registry", settings, REGISTRY, partial(connect, party="registry")
    )
    yield
    await service.close()


async def test_event_is_heard_in_the_trace_of_the_command_that_it_tells_of(
    client, registry, tracking
):
    api = f"{API}/registered-models"
    async with client.post(f"{api}/create", json={"name": "m"}) as it:
        assert it.status == 200
    headers = {"traceparent": CLIENT}
    async with client.delete(f"{api}/delete", json={"name": "m"}, headers=headers) as it:
        assert it.status == 200
    async with asyncio.timeout(10):
        while not (heard := tracking.named("process tracking.events")):
            await asyncio.sleep(0.05)
    assert heard[0].context.trace_id == TRACE
    assert heard[0].attributes["warren.messages"] == ("registered_model.deleted",)
    assert any(is_child(span, heard[0]) for span in tracking.spans)


@pytest.fixture
async def storing(connect, s3, artifacts):
    """The service of artifacts, on a real storage."""
    settings = S3Settings(endpoint=s3.endpoint, bucket="traced", **asdict(s3.credentials))
    service = await ArtifactsService.start(
        settings, 1000, connect(party="artifacts"), artifacts.tracing
    )
    yield
    await service.close()


async def test_calls_to_the_storage_are_part_of_the_request_that_needs_them(
    client, storing, gateway, artifacts
):
    url, root = "/api/2.0/mlflow-artifacts/artifacts", f"1/0/{'a' * 32}/artifacts"
    headers = {"traceparent": CLIENT}
    async with client.put(f"{url}/{root}/secret", data=b"secret", headers=headers) as it:
        assert it.status == 200
    async with client.get(f"{url}/{root}/secret") as it:
        assert await it.read() == b"secret"
    async with client.get(url, params={"path": root}) as it:
        assert it.status == 200
    put, get = gateway.one("PUT storage"), gateway.one("GET storage")
    assert put.context.trace_id == TRACE
    assert {each.parent.span_id for each in (put, get)} <= {
        span.context.span_id for span in gateway.spans
    }
    listed = artifacts.one("s3 page")
    assert any(is_child(listed, each) for each in artifacts.named("process artifacts.queries"))
    assert "secret" not in gateway.text() + artifacts.text()
