"""No secret in what is logged, shown or refused."""

import asyncio
import io
import json
import logging
import sys

import pytest
import structlog
from pydantic import ValidationError

from deploy.local.embedded.process import free_ports
from deploy.local.stack.settings import StackSettings
from deploy.local.standalone.settings import StandaloneSettings
from deploy.provision.settings import ProvisionSettings
from services.access.settings import AccessSettings
from services.artifacts.settings import ArtifactsSettings, S3Settings
from services.registry.settings import RegistrySettings
from services.tracking.settings import TrackingSettings
from shared.messaging.amqp import AmqpTransport
from shared.postgres.pool import open_pool
from shared.runtime.logs import configure_logging
from shared.runtime.redaction import redact
from shared.runtime.settings import (
    PostgresServiceSettings,
    ReplicatedServiceSettings,
    read_settings,
)

SECRET = "hunter2-secret"

ENVIRONMENT = {
    "WARREN_AMQP_URL": f"amqp://warren:{SECRET}@127.0.0.1:1/",
    "WARREN_TRACKING_DSN": f"postgresql://warren:{SECRET}@127.0.0.1:1/warren",
    "WARREN_REGISTRY_DSN": f"postgresql://warren:{SECRET}@127.0.0.1:1/warren",
    "WARREN_POSTGRES_DSN": f"postgresql://warren:{SECRET}@127.0.0.1:1/warren",
    "WARREN_ACCESS_DSN": f"postgresql://warren:{SECRET}@127.0.0.1:1/warren",
    "WARREN_ADMIN_DSN": f"postgresql://warren:{SECRET}@127.0.0.1:1/warren",
    "WARREN_ROOT_TOKEN": f"{SECRET}-0123456789",
    "WARREN_S3_ENDPOINT": "http://127.0.0.1:1",
    "WARREN_S3_ACCESS_KEY": SECRET,
    "WARREN_S3_SECRET_KEY": SECRET,
}


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["service"])
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def logs(monkeypatch, own_logging):
    """Log as a process does, and return what was written."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("test", "debug")
    return stream.getvalue


def test_line_that_cannot_be_written_stops_nothing(logs):
    handler = logging.getLogger().handlers[0]  # Beside it are those of pytest.
    assert isinstance(handler, logging.StreamHandler)
    closed = io.StringIO()
    closed.close()
    handler.setStream(closed)
    logging.getLogger().error("to nowhere")
    assert "to nowhere" not in logs()


@pytest.mark.parametrize(
    "kind",
    [
        *(AccessSettings, ArtifactsSettings, ProvisionSettings, RegistrySettings),
        *(StackSettings, StandaloneSettings, TrackingSettings),
    ],
)
def test_settings_do_not_show_their_secrets(environment, kind):
    settings = read_settings(kind)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


@pytest.mark.parametrize("password", ["hunter2/x", "hunter2#x", "hunter2?x", "hunter2[x"])
def test_address_that_cannot_be_read_is_refused_without_being_quoted(monkeypatch, capsys, password):
    monkeypatch.setattr(sys, "argv", ["service"])
    monkeypatch.setenv("WARREN_TRACKING_DSN", f"postgresql://u:{password}@db:5432/warren")
    monkeypatch.setenv("WARREN_AMQP_URL", f"amqp://u:{password}@broker/")
    with pytest.raises(SystemExit):
        read_settings(TrackingSettings)
    written = capsys.readouterr().err
    assert "WARREN_TRACKING_DSN: " in written
    assert "WARREN_AMQP_URL: " in written
    assert "%2F" in written
    assert "hunter2" not in written


def test_token_that_is_too_short_is_refused_without_being_quoted(environment, monkeypatch, capsys):
    monkeypatch.setenv("WARREN_ROOT_TOKEN", "hunter2")
    with pytest.raises(SystemExit):
        read_settings(AccessSettings)
    written = capsys.readouterr().err
    assert "WARREN_ROOT_TOKEN: " in written
    assert "hunter2" not in written


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:p%2F%40@db:5432/warren?sslmode=verify-full&sslrootcert=/ca.pem",
        "postgresql://u:p@a:5432,b:5433/warren?target_session_attrs=read-write",
        "postgresql://u:p@[::1]:5432/warren",
        "postgresql:///warren?host=/run/postgresql",
    ],
)
def test_addresses_of_all_kinds_are_read(dsn):
    assert PostgresServiceSettings(dsn=dsn).dsn == dsn


def test_a_list_of_addresses_is_read_and_not_shown():
    one, two = "postgresql://u:p@a,b:5432/w", "postgres://u:q%2F@c/w"
    settings = ReplicatedServiceSettings(dsn=one, replicas=f" {one} , {two}")
    assert settings.replica_dsns == [one, two]
    assert "p@a" not in repr(settings)
    assert ReplicatedServiceSettings(dsn=one).replica_dsns == []


def test_a_wrong_address_in_a_list_is_refused_without_its_password():
    with pytest.raises(ValidationError) as refused:
        ReplicatedServiceSettings(
            dsn="postgresql://a/w", replicas=f"postgresql://b/w,postgresql://u:{SECRET}/@c/w"
        )
    assert SECRET not in refused.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "text",
    [
        f"no route to amqp://warren:{SECRET}@broker:5672/",
        f"dsn=postgresql://warren:{SECRET}@db/warren, retrying",
        f"postgresql://warren:a@{SECRET}@db/warren",
        f"PUT http://s3/b/k?X-Amz-Credential={SECRET}%2F2026&X-Amz-Signature={SECRET}",
        f'{{"Authorization": "Bearer {SECRET}"}}',
        f"Authorization: Basic {SECRET}",
        f"authorization={SECRET}",
        f"'PRIVATE-TOKEN': '{SECRET}'",
        f"token glpat-{SECRET} was revoked",
        f"sent Bearer {SECRET}",
    ],
)
def test_secrets_are_hidden(text):
    assert SECRET not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    ["http://127.0.0.1:5000/health/ready", "bearer of news", "a@b.example", "Basic checks: passed"],
)
def test_what_is_no_secret_stays(text):
    assert redact(text) == text


def test_line_and_traceback_are_without_secrets(logs):
    try:
        raise OSError(f"amqp://warren:{SECRET}@broker/ is away")
    except OSError:
        structlog.get_logger().exception("failed", url=f"amqp://warren:{SECRET}@broker/")
    logging.getLogger("library").warning("https://user:%s@host/", SECRET)
    impossible = logging.LogRecord("library", 30, "a.py", 1, "%s %s", (SECRET,), None)
    logging.getLogger().handlers[0].handle(impossible)
    written = [json.loads(line)["event"] for line in logs().splitlines()]
    assert written == ["failed", "https://user:***@host/", "log_line_lost"]
    assert SECRET not in logs()


async def test_servers_that_are_away_are_logged_without_their_passwords(logs):
    [port] = free_ports(1)
    transport = AmqpTransport(f"amqp://warren:{SECRET}@127.0.0.1:{port}/", party="t", services=[])
    starting = asyncio.create_task(transport.start())
    await asyncio.sleep(0.3)
    starting.cancel()
    await transport.close()
    dsn = f"postgresql://warren:{SECRET}@127.0.0.1:{port}/warren"
    with pytest.raises(OSError, match="127") as raised:
        await open_pool(dsn, schema="t", size=1, application_name="t")
    assert "broker_unreachable" in logs()
    assert SECRET not in logs() + repr(raised.value)


def test_settings_of_storage_show_where_it_is():
    s3 = S3Settings(endpoint="http://s3:9000", access_key=SECRET, secret_key=SECRET)
    assert "http://s3:9000" in repr(s3)
