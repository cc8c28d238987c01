"""MLflow's dialect: the form of its errors, and the places of its parameters."""

from dataclasses import replace
from typing import ClassVar

from aiohttp.web import BaseRequest
from pydantic_core import to_json

from services.gateway.dialects.dialect import Read
from services.gateway.dialects.refusal import Refusal, refusal
from services.gateway.http.fields import query_fields_of
from services.gateway.http.requests import BodyLimit, read_body
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Warren"'}
"""Makes browsers ask for a name and a password. Any name works; the password is an access token."""


class MLflow:
    """MLflow's dialect."""

    name: ClassVar[str] = "mlflow"

    def refuse(self, error: DomainError) -> Refusal:
        """Return the error as MLflow's server sends it."""
        refused = refusal(error, {"error_code": error.code, "message": error.message})
        if error.code is not ErrorCode.UNAUTHENTICATED:
            return refused
        return replace(refused, headers={**refused.headers, **_CHALLENGE})

    def reader(self, contract: type[Message], limit: BodyLimit) -> Read:
        """Return the function that reads a query string, except of a POST, and otherwise the unparsed body."""
        fields = query_fields_of(contract)

        async def read(request: BaseRequest) -> bytes:
            # Some old clients send the parameters of a GET as a JSON body.
            if request.method != "POST" and request.query_string:
                return to_json(fields.pick(request.query))
            return await read_body(request, limit)

        return read


MLFLOW = MLflow()
