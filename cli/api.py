"""Client of the gateway's REST API for the commands that manage access.

These commands use HTTP with a token, like every client, and not the bus. Under ``make run`` no bus is reachable from
outside, and an operator may have no access to RabbitMQ.
"""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp

from cli.api_errors import ApiError
from shared.contracts.errors import DomainError, ErrorCode, missing_resource

URL_VARIABLE = "WARREN_URL"
TOKEN_VARIABLE = "WARREN_TOKEN"  # noqa: S105
DEFAULT_URL = "http://127.0.0.1:5000"
SECONDS = 30.0
MOST_A_PAGE = "100"

Json = dict[str, Any]


class Api:
    """An HTTP session with a token. Its methods raise ApiError for the gateway's errors."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url.rstrip("/")

    async def send(self, method: str, path: str, fields: Mapping[str, object] | None = None) -> Any:
        """Send a request under ``/api/v4`` and return the JSON of its answer. Raises DomainError."""
        given = {name: value for name, value in (fields or {}).items() if value is not None}
        async with self._session.request(method, f"/api/v4{path}", json=given) as response:
            return await _read(response, path)

    async def all(self, path: str, **query: str) -> AsyncIterator[Json]:
        """Yield the items of a list, reading page after page."""
        page = "1"
        while page:
            asked = {**query, "page": page, "per_page": MOST_A_PAGE}
            async with self._session.get(f"/api/v4{path}", params=asked) as response:
                for each in await _read(response, path):
                    yield each
                page = response.headers.get("X-Next-Page", "")

    async def user_id(self, username: str) -> int:
        """Return the number of a user. Raises DomainError."""
        async for user in self.all("/users", username=username):
            return int(user["id"])
        raise missing_resource(f"There is no user {username}.")


def encoded(path: str) -> str:
    """Return a full path as one URL segment."""
    return quote(path, safe="")


@asynccontextmanager
async def connection() -> AsyncIterator[Api]:
    """Open a session for the URL and the token in the environment. Raises DomainError."""
    url = os.environ.get(URL_VARIABLE) or DEFAULT_URL
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        message = f"{TOKEN_VARIABLE} must be an access token; the first start of Warren prints one."
        raise DomainError(ErrorCode.UNAUTHENTICATED, message)
    try:
        async with aiohttp.ClientSession(
            url,
            headers={"PRIVATE-TOKEN": token},
            timeout=aiohttp.ClientTimeout(total=SECONDS),
        ) as session:
            yield Api(session, url)
    except (aiohttp.ContentTypeError, json.JSONDecodeError):
        message = f"What answers at {url} is not Warren; {URL_VARIABLE} says where it is."
        raise DomainError(ErrorCode.BAD_REQUEST, message) from None
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        reason = str(error) or "no answer in time"
        message = f"Warren can't be reached at {url} ({reason}); {URL_VARIABLE} says where it is."
        raise DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, message) from None


async def _read(response: aiohttp.ClientResponse, path: str) -> Any:
    """Return the JSON of an answer, None if it has no content. Raises ApiError."""
    body = await response.json() if response.status != HTTPStatus.NO_CONTENT else None
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise ApiError(response.status, body, path)
    return body
