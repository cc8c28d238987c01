"""What makes each inner port of SeaweedFS demand a certificate that only its own process has.

SeaweedFS is several servers that speak HTTP and gRPC to each other over ports of their own. Without
this, each obeys whoever reaches its port, down to deleting all objects.
"""

from pathlib import Path

from deploy.local.embedded.certificate import make_identity
from deploy.local.embedded.private import write_private

_IDENTITY = "identity.pem"
_SERVERS = ("master", "volume", "filer", "admin")
_GRPC = (*_SERVERS, "s3", "worker", "client")
_PAIR = f'cert = "{_IDENTITY}"\nkey = "{_IDENTITY}"\n'
_TRUST = f'ca = "{_IDENTITY}"\n'

CLOSED = {
    # Each of these has a Unix socket in /tmp otherwise, where the inner HTTP is not encrypted.
    "filer.localSocket": "filer.sock",
    "s3.localSocket": "s3.sock",
    # None of the web's; an empty value would mean all of them.
    "filer.allowedOrigins": "https://origin.invalid",
    "s3.allowedOrigins": "https://origin.invalid",
    # It answers calls for credentials (STS) before it asks who is calling.
    "s3.iam": "false",
}
"""The settings of `weed mini` that belong to this. Paths are relative to where it runs."""


def write_security(directory: Path, address: str) -> None:
    """Write what `weed` reads in the directory where it runs: mutual TLS by a new certificate."""
    write_private(directory / _IDENTITY, make_identity(address))
    sections = (
        f"[grpc]\n{_TRUST}",
        *(f"[grpc.{each}]\n{_PAIR}" for each in _GRPC),
        f"[https.client]\nenabled = true\n{_PAIR}{_TRUST}",
        *(f"[https.{each}]\n{_PAIR}{_TRUST}" for each in _SERVERS),
    )
    write_private(directory / "security.toml", "".join(sections))
