"""Mutual TLS between SeaweedFS's components: their ports require a certificate that only this process has.

SeaweedFS is several servers that use HTTP and gRPC to each other on their own ports. Without certificates each of
them accepts any request, even the deletion of all objects.
"""

from pathlib import Path

from deploy.local.embedded.certificate import make_identity
from deploy.local.embedded.private import write_private

_IDENTITY = "identity.pem"
_SERVERS = ("master", "volume", "filer", "admin")
_GRPC = (*_SERVERS, "s3", "worker", "client")
_PAIR = f'cert = "{_IDENTITY}"\nkey = "{_IDENTITY}"\n'
_TRUST = f'ca = "{_IDENTITY}"\n'

RESTRICTIONS = {
    # By default these sockets are in /tmp, and HTTP inside the server is not encrypted there.
    "filer.localSocket": "filer.sock",
    "s3.localSocket": "s3.sock",
    # No web origin is allowed. An empty value would allow all of them.
    "filer.allowedOrigins": "https://origin.invalid",
    "s3.allowedOrigins": "https://origin.invalid",
    # The STS endpoint answers requests for credentials before it authenticates the caller.
    "s3.iam": "false",
}
"""Settings of `weed mini` that turn off what it leaves open by default. Paths are relative to its working directory."""


def write_security(directory: Path, address: str) -> None:
    """Write the TLS settings and a new certificate to the directory in which `weed` runs."""
    write_private(directory / _IDENTITY, make_identity(address))
    sections = (
        f"[grpc]\n{_TRUST}",
        *(f"[grpc.{each}]\n{_PAIR}" for each in _GRPC),
        f"[https.client]\nenabled = true\n{_PAIR}{_TRUST}",
        *(f"[https.{each}]\n{_PAIR}{_TRUST}" for each in _SERVERS),
    )
    write_private(directory / "security.toml", "".join(sections))
