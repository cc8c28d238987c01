"""OpenAPI's security schemes: how a request shows a token or a session."""

from typing import Any

from services.gateway.auth.credentials import PRIVATE_TOKEN
from services.gateway.auth.session_cookies import HOST_PREFIX, SESSION

SCHEMES = {
    "Bearer": {"type": "http", "scheme": "bearer", "description": "A token."},
    "Basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A token as the password of any user name.",
    },
    "PrivateToken": {"type": "apiKey", "in": "header", "name": PRIVATE_TOKEN},
    "Session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION,
        "description": "The cookie of a browser that has signed in at /-/sign-in. By HTTPS its name begins with "
        f"{HOST_PREFIX}. It counts for requests of this server's own pages alone.",
    },
}

Requirement = dict[str, list[Any]]

NOTHING: Requirement = {}
"""A caller without a token: in open mode, and where all may read."""

TOKEN: tuple[Requirement, ...] = ({"Bearer": []}, {"Basic": []}, {"PrivateToken": []})
SESSION_TOO: tuple[Requirement, ...] = (*TOKEN, {"Session": []})
OF_PROJECTS: tuple[Requirement, ...] = (*SESSION_TOO, NOTHING)
"""Of the operations on a project's experiments and models. A server in open mode asks for nothing."""
