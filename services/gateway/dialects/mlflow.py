"""MLflow's own dialect: its error envelope, and where it looks for parameters."""

from dataclasses import replace

from aiohttp.web import BaseRequest
from pydantic_core import to_json

from services.gateway.dialects.dialect import Read
from services.gateway.dialects.refusal import Refusal, refusal
from services.gateway.http.fields import QueryFields
from services.gateway.http.requests import BodyLimit, read_body
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Warren"'}
"""Lets a browser ask for a name, which does not matter, and a password: an access token."""


def refuse(error: DomainError) -> Refusal:
    """Return the error as MLflow's server would send it."""
    refused = refusal(error, {"error_code": error.code, "message": error.message})
    if error.code is not ErrorCode.UNAUTHENTICATED:
        return refused
    return replace(refused, headers={**refused.headers, **_CHALLENGE})


def reader(contract: type[Message], limit: BodyLimit) -> Read:
    """Read the query string of a GET, and otherwise the body, unparsed."""
    fields = QueryFields(contract)

    async def read(request: BaseRequest) -> bytes:
        # Some old clients send the parameters of a GET as a JSON body.
        if request.method != "POST" and request.query_string:
            return to_json(fields.pick(request.query))
        return await read_body(request, limit)

    return read
