"""The address that a newcomer copies works, wherever the gateway listens."""

from pathlib import Path

import pytest

from services.gateway.http.settings import HttpSettings
from services.gateway.http.web_address import hints, url_of

PLAIN = HttpSettings()
TLS = HttpSettings.model_construct(tls_cert_file=Path("certificate.pem"))


@pytest.mark.parametrize(
    ("host", "http", "url"),
    [
        ("127.0.0.1", PLAIN, "http://127.0.0.1:5000"),
        ("localhost", TLS, "https://localhost:5000"),
        ("0.0.0.0", PLAIN, "http://127.0.0.1:5000"),
        ("", PLAIN, "http://127.0.0.1:5000"),
        ("::", TLS, "https://[::1]:5000"),
        ("::1", PLAIN, "http://[::1]:5000"),
        ("warren.example.com", TLS, "https://warren.example.com:5000"),
    ],
)
def test_address_can_be_used_on_this_machine(host, http, url):
    assert url_of(host, 5000, http) == url


def test_other_machines_and_certificates_are_told_of_where_they_matter(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    assert hints("127.0.0.1", 5000, PLAIN) == []
    assert "https://box:5000" in hints("0.0.0.0", 5000, TLS)[0]
    assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in hints("localhost", 5000, TLS)[0]
