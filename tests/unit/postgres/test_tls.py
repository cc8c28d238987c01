"""The effect of the sslmode of a DSN."""

import ssl

import asyncpg
import pytest

from shared.postgres.pool import open_pool
from shared.runtime.settings import PostgresServiceSettings
from tests.tls_server import TlsServer

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@pytest.fixture
def server(tmp_path):
    return TlsServer(tmp_path)


async def connect(port, query):
    dsn = f"postgresql://warren:hunter2@127.0.0.1:{port}/warren?{query}"
    settings = PostgresServiceSettings(dsn=dsn)
    await open_pool(settings.dsn, schema="tracking", size=1, application_name="test")


async def test_server_of_a_known_authority_is_spoken_to_in_tls(server):
    async with server.listening(answer=b"S") as port:
        with pytest.raises((ConnectionError, asyncpg.ConnectionDoesNotExistError)):
            await connect(port, f"sslmode=verify-full&sslrootcert={server.ca}")
    assert server.before == SSL_REQUEST
    assert b"user\x00warren\x00" in server.heard


async def test_server_of_another_authority_hears_nothing(server):
    async with server.listening(answer=b"S") as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(port, f"sslmode=verify-full&sslrootcert={server.other_ca}")
    assert server.heard == b""


@pytest.mark.parametrize("mode", ["require", "verify-full"])
async def test_server_without_tls_hears_nothing_where_it_is_required(server, mode):
    async with server.listening(answer=b"N") as port:
        with pytest.raises(ConnectionError, match="SSL"):
            await connect(port, f"sslmode={mode}&sslrootcert={server.ca}")
    assert server.heard == b""
