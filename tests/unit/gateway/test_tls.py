"""HTTPS at the gateway."""

import ssl

import pytest
import trustme
from aiohttp import ClientConnectorError, ClientSession
from pydantic import ValidationError

from services.gateway.app import create_app
from services.gateway.http.server import serve
from services.gateway.http.settings import HttpSettings


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
async def url(bus, settings, authority, tmp_path):
    file = tmp_path / "gateway.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)
    http = HttpSettings(tls_cert_file=file)
    own = settings.model_copy(update={"http": http})
    server = await serve(create_app(bus, own), own)
    yield f"https://127.0.0.1:{server.port}/health"
    await server.close()


async def test_gateway_speaks_https_with_its_certificate(url, authority):
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with ClientSession() as session, session.get(url, ssl=trusting) as response:
        assert await response.text() == "OK"


async def test_client_that_does_not_know_the_authority_stays_away(url):
    async with ClientSession() as session:
        with pytest.raises(ClientConnectorError):
            await session.get(url)


def test_key_without_a_certificate_is_refused(tmp_path):
    key = tmp_path / "key.pem"
    key.touch()
    with pytest.raises(ValidationError, match="needs WARREN_HTTP_TLS_CERT_FILE"):
        HttpSettings(tls_key_file=key)
