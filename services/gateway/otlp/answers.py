"""Answers in the content type of the request, as OTLP wants them: results, and errors as ``google.rpc.Status``.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

import json
from collections.abc import Mapping

from aiohttp.web import Response
from google.protobuf.json_format import MessageToDict
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from services.gateway.dialects.dialect import Dialect
from services.gateway.otlp.requests import JSON, PROTOBUF
from shared.contracts.errors import DomainError, ErrorCode

_CODES: Mapping[ErrorCode, int] = {
    ErrorCode.INVALID_PARAMETER_VALUE: Code.INVALID_ARGUMENT,
    ErrorCode.BAD_REQUEST: Code.INVALID_ARGUMENT,
    ErrorCode.RESOURCE_ALREADY_EXISTS: Code.ALREADY_EXISTS,
    ErrorCode.UNAUTHENTICATED: Code.UNAUTHENTICATED,
    ErrorCode.PERMISSION_DENIED: Code.PERMISSION_DENIED,
    ErrorCode.RESOURCE_DOES_NOT_EXIST: Code.NOT_FOUND,
    ErrorCode.NOT_FOUND: Code.NOT_FOUND,
    ErrorCode.ENDPOINT_NOT_FOUND: Code.UNIMPLEMENTED,
    ErrorCode.RESOURCE_CONFLICT: Code.ABORTED,
    ErrorCode.REQUEST_LIMIT_EXCEEDED: Code.RESOURCE_EXHAUSTED,
    ErrorCode.INTERNAL_ERROR: Code.INTERNAL,
    ErrorCode.INVALID_STATE: Code.FAILED_PRECONDITION,
    ErrorCode.NOT_IMPLEMENTED: Code.UNIMPLEMENTED,
    ErrorCode.TEMPORARILY_UNAVAILABLE: Code.UNAVAILABLE,
    ErrorCode.DEADLINE_EXCEEDED: Code.DEADLINE_EXCEEDED,
}


def stored(media_type: str, rejected: int, message: str, request_id: str) -> Response:
    """Return the answer for stored spans. ``message`` says why ``rejected`` spans were not, or warns."""
    answer = ExportTraceServiceResponse()
    if rejected or message:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = message
    as_json = media_type == JSON
    body = json.dumps(MessageToDict(answer)).encode() if as_json else answer.SerializeToString()
    return Response(body=body, headers=_headers(media_type, request_id))


def refused(error: DomainError, media_type: str, request_id: str, dialect: Dialect) -> Response:
    """Return the answer for an error, with the status and the headers that it has in the dialect."""
    refusal = dialect.refuse(error)
    fields = json.loads(refusal.body)
    # The dialect's own words, which tell a stranger less than the error may.
    status = Status(code=_CODES[error.code], message=str(fields["message"]))
    if media_type == PROTOBUF:
        body = status.SerializeToString()
    else:
        # The dialect's fields stay: clients of MLflow read ``error_code``, and OTLP ignores what it does not know.
        body = json.dumps({**fields, "code": status.code, "message": status.message}).encode()
    headers = {**_headers(media_type, request_id), **refusal.headers}
    return Response(status=refusal.status, body=body, headers=headers)


def _headers(media_type: str, request_id: str) -> dict[str, str]:
    content_type = PROTOBUF if media_type == PROTOBUF else JSON
    return {
        "Content-Type": content_type,
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": request_id,
    }
