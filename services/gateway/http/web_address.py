"""Builds the URL of a gateway for browsers and clients from the address that it listens on."""

import socket
from ipaddress import ip_address

from services.gateway.http.settings import HttpSettings, is_loopback


def scheme(http: HttpSettings) -> str:
    """Return the URL scheme of the gateway."""
    return "https" if http.tls_cert_file else "http"


def url_of(host: str, port: int, http: HttpSettings) -> str:
    """Return a URL that works on this machine: on loopback if the gateway listens on all addresses."""
    if is_any(host):
        host = "::1" if ":" in host else "127.0.0.1"
    return f"{scheme(http)}://{f'[{host}]' if ':' in host else host}:{port}"


def hints(host: str, port: int, http: HttpSettings) -> list[str]:
    """Return lines that say how other machines, and clients with TLS, reach the gateway."""
    lines = []
    if is_any(host):
        name = socket.gethostname()
        lines.append(
            f"From other machines: {scheme(http)}://{name}:{port}, if they know it by that name"
        )
    elif not is_loopback(host):
        lines.append(f"It listens on {host} alone, not on loopback")
    if http.tls_cert_file:
        lines.append(
            "TLS: use the host name that the certificate has; where its authority is a private one, clients take "
            "its file in MLFLOW_TRACKING_SERVER_CERT_PATH"
        )
    return lines


def is_any(host: str) -> bool:
    """Return whether an address to listen on means all addresses of the machine."""
    try:
        return not host or ip_address(host).is_unspecified
    except ValueError:
        return False
