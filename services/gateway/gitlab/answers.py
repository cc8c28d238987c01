"""Turns replies of the access service into GitLab's answers: headers of pages, and the texts of new tokens."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp.web import BaseRequest
from pydantic_core import to_json

from services.gateway.auth.refusals import AccessRefused, Reason
from services.gateway.gitlab.web_urls import origin_of
from shared.contracts.errors import ErrorCode

Headers = Mapping[str, str]


def page_headers(request: BaseRequest, found: Mapping[str, Any]) -> Headers:
    """Return the pagination headers of a ``Page``."""
    number, size = found["page"], found["per_page"]
    last = max(-(-found["total"] // size), 1)
    others = {"first": 1, "last": last}
    if number > 1:
        others["prev"] = min(number - 1, last)
    if number < last:
        others["next"] = number + 1
    return {
        "X-Total": str(found["total"]),
        "X-Total-Pages": str(last),
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Next-Page": str(others.get("next", "")),
        "X-Prev-Page": str(others.get("prev", "")),
        "Link": ", ".join(_link(request, size, at, name) for name, at in others.items()),
    }


def _link(request: BaseRequest, size: int, number: int, relation: str) -> str:
    query = {name: value for name, value in request.query.items() if name not in _NOT_IN_LINKS} | {
        "page": str(number),
        "per_page": str(size),
    }
    address = f"{origin_of(request)}{request.rel_url.raw_path}?{urlencode(query)}"
    return f'<{address}>; rel="{relation}"'


# A token must not be repeated in an answer.
_NOT_IN_LINKS = {"private_token", "page", "per_page"}


def with_token(made: Mapping[str, Any], token: str) -> bytes:
    """Return the reply with the text of the new token. No later answer contains it."""
    return to_json({**made, "token": token})


def with_rotated_token(rotated: Mapping[str, Any], token: str) -> bytes:
    """Return the same as ``with_token``. Raises AccessRefused if the old token was revoked already."""
    made = rotated["token"]
    if made is None:
        message = "The token was already revoked. All tokens rotated from it are now revoked, too; create a new one."
        raise AccessRefused(Reason.REVOKED, ErrorCode.UNAUTHENTICATED, message)
    return with_token(made, token)
