"""Where clients put a token.

MLflow's send ``Authorization``: Bearer for ``MLFLOW_TRACKING_TOKEN``, Basic with the token as the
password for ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD``. GitLab's send
``PRIVATE-TOKEN``, and may put ``private_token`` into the query string.
"""

import binascii
from base64 import b64decode

from aiohttp.web import BaseRequest

from shared.tokens import digest_of

PRIVATE_TOKEN = "PRIVATE-TOKEN"  # noqa: S105  # The name of a header.


def presented(request: BaseRequest) -> str | None:
    """Return the digest of the token that a request carries; None if it carries none.

    Credentials of another kind are those of nobody: they must not pass for none at all.
    """
    headers = request.headers
    token = headers.get(PRIVATE_TOKEN)
    if token is None and "private_token=" in request.query_string:
        token = request.query.get("private_token")
    if token is None:
        authorization = headers.get("Authorization")
        if authorization is None:
            return None
        token = _token_in(authorization)
    return digest_of(token)


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
