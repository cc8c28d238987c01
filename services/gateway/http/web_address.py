"""Where a browser or a client finds a gateway, from the address that it listens on."""

import socket
from ipaddress import ip_address

from services.gateway.http.settings import HttpSettings, is_loopback


def scheme(http: HttpSettings) -> str:
    """Return the scheme that the gateway speaks."""
    return "https" if http.tls_cert_file else "http"


def url_of(host: str, port: int, http: HttpSettings) -> str:
    """Return an address that works on this machine: one that listens everywhere is found on loopback, too."""
    if is_any(host):
        host = "::1" if ":" in host else "127.0.0.1"
    return f"{scheme(http)}://{f'[{host}]' if ':' in host else host}:{port}"


def hints(host: str, port: int, http: HttpSettings) -> list[str]:
    """Return what else there is to know before another machine, or a client with TLS, comes in."""
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
    """Tell whether an address to listen on stands for all of the machine's."""
    try:
        return not host or ip_address(host).is_unspecified
    except ValueError:
        return False
