"""Where clients put a token.

MLflow's send ``Authorization``: Bearer for ``MLFLOW_TRACKING_TOKEN``, Basic with the token as the
password for ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD``. GitLab's send
``PRIVATE-TOKEN``, and may put ``private_token`` into the query string.
"""

import binascii
from base64 import b64decode
from functools import lru_cache

from aiohttp.web import BaseRequest

from shared.contracts.token_digests import digest_of

PRIVATE_TOKEN = "PRIVATE-TOKEN"  # noqa: S105  # The name of a header.

REMEMBERED = 4096
"""Headers whose digests are known without working them out again."""


def presented(request: BaseRequest) -> str | None:
    """Return the digest of the token that a request carries; None if it carries none.

    Credentials of another kind are those of nobody: they must not pass for none at all.
    """
    headers = request.headers
    token = headers.get(PRIVATE_TOKEN)
    if token is None and "private_token=" in request.query_string:
        token = request.query.get("private_token")
    if token is not None:
        return digest_of(token)
    authorization = headers.get("Authorization")
    return None if authorization is None else _digest_in(authorization)


@lru_cache(REMEMBERED)
def _digest_in(authorization: str) -> str:
    """Read a header; clients send the same one with every request."""
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
