"""Reads the token of a request.

MLflow clients send ``Authorization``: Bearer for ``MLFLOW_TRACKING_TOKEN``, Basic with the token as the
password for ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD``. GitLab clients send
``PRIVATE-TOKEN``, or ``private_token`` in the query string.
"""

import binascii
from base64 import b64decode
from functools import lru_cache
from typing import NamedTuple

from aiohttp.web import BaseRequest

from shared.contracts.token_digests import digest_of

PRIVATE_TOKEN = "PRIVATE-TOKEN"  # noqa: S105  # The name of a header.

REMEMBERED = 4096
"""The number of ``Authorization`` headers whose digests are cached."""


class Credential(NamedTuple):
    """The digest of a token, or of a session's cookie."""

    digest: str
    is_session: bool = False


def token_digest(request: BaseRequest) -> str | None:
    """Return the digest of a request's token; None if it has no credentials.

    An unsupported scheme counts as an invalid token, not as an anonymous request.
    """
    headers = request.headers
    token = headers.get(PRIVATE_TOKEN)
    # A search in the text is cheaper than parsing the query string of each request.
    if token is None and "private_token=" in request.query_string:
        token = request.query.get("private_token")
    if token is not None:
        return digest_of(token)
    authorization = headers.get("Authorization")
    return None if authorization is None else _digest_in(authorization)


@lru_cache(REMEMBERED)
def _digest_in(authorization: str) -> str:
    """Return the digest of a header's token. Results are cached: clients send the same header with each request."""
    return digest_of(_token_in(authorization))


def _token_in(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            return _password_in(credentials)
        case _:
            return ""


def _password_in(credentials: str) -> str:
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
