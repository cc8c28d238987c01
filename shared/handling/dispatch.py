"""Turns envelopes into parsed messages, and handlers' results into answers."""

import secrets
from collections.abc import Mapping

import structlog
from pydantic import BaseModel

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Message
from shared.handling.handlers import Reply
from shared.messaging.messages import Answer, Envelope

log = structlog.get_logger()


def parse(messages: Mapping[str, type[Message]], envelope: Envelope) -> Message:
    """Parse an envelope's payload with the contract that the envelope names.

    Raises DomainError: NOT_IMPLEMENTED for an unknown name (a newer gateway may send one),
    INVALID_PARAMETER_VALUE for a payload that breaks the contract.
    """
    contract = messages.get(envelope.name)
    if contract is None:
        message = f"This service does not know the message {envelope.name}."
        raise DomainError(ErrorCode.NOT_IMPLEMENTED, message)
    return contract.parse(envelope.payload)


def answer(result: Reply | Answer | DomainError) -> Answer:
    """Return a handler's result as an answer. Bytes are JSON already."""
    if isinstance(result, Answer):
        return result
    if isinstance(result, DomainError):
        return Answer.refusal(result)
    if isinstance(result, BaseModel):
        return Answer(result.__pydantic_serializer__.to_json(result, exclude_none=True))
    return Answer(result)


def expired() -> DomainError:
    """Return the error for a message whose deadline has passed."""
    return DomainError(ErrorCode.DEADLINE_EXCEEDED, "The request's deadline had passed.")


def internal_error() -> Answer:
    """Log the current exception, and return an answer with the id of its log line."""
    error_id = secrets.token_hex(8)
    log.error("message_failed", error_id=error_id, exc_info=True)  # noqa: LOG014
    message = f"An internal error occurred. The service's log has the details under the error id {error_id}."
    return Answer(message.encode(), ErrorCode.INTERNAL_ERROR)
