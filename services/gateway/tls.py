"""TLS on either side of the gateway: clients', where no proxy ends it, and the storage's."""

import ssl
from functools import cache
from pathlib import Path

from services.gateway.http_settings import HttpSettings


def server_context(settings: HttpSettings) -> ssl.SSLContext | None:
    """Return the context to listen with, None for plain HTTP. Raises OSError for unusable files."""
    if settings.tls_cert_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    return context


@cache
def storage_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return the context that checks the storage's certificate; the authorities are read once a process.

    Raises OSError for an unusable file.
    """
    return ssl.create_default_context(cafile=ca_file)
