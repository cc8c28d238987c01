"""TLS contexts: one for clients, where no proxy terminates TLS, and one for the storage."""

import ssl
from functools import cache
from pathlib import Path

from services.gateway.http.settings import HttpSettings
from shared.runtime.starting import StartError


def server_context(settings: HttpSettings) -> ssl.SSLContext | None:
    """Return the context of the HTTP server, None for plain HTTP. Raises StartError for unusable files."""
    if settings.tls_cert_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password argument OpenSSL would ask on the terminal for the password of an encrypted key.
        context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file, password="")
    except ssl.SSLError as error:
        raise StartError(
            f"WARREN_HTTP_TLS_CERT_FILE ({settings.tls_cert_file}) and its key can't be used "
            f"({error.reason or error}): they are a certificate and the key that belongs to it, in PEM format, "
            "the key without a password and in the same file or in WARREN_HTTP_TLS_KEY_FILE"
        ) from error
    return context


@cache
def storage_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return the context that verifies the storage's certificate. The authorities are read once per process.

    Raises OSError for an unusable file.
    """
    return ssl.create_default_context(cafile=ca_file)
