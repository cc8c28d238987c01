"""HTTPS at the gateway itself, where no proxy in front of it ends TLS."""

import ssl

from services.gateway.http_settings import HttpSettings


def server_context(settings: HttpSettings) -> ssl.SSLContext | None:
    """Return the context to listen with, None for plain HTTP. Raises OSError for unusable files."""
    if settings.tls_cert_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    return context
