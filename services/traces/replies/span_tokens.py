"""The tokens of pages of spans: the position of the last span, in base64url."""

import base64
import binascii
import json

from services.traces.store.spans import Position
from shared.contracts.errors import invalid


def write_token(position: Position) -> str:
    """Return the token of the page after a position."""
    text = json.dumps([position.is_child, position.start_time, position.span_id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_token(token: str) -> Position:
    """Return the position of a token. Raises DomainError for one that was not made here."""
    try:
        is_child, start_time, span_id = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError, TypeError):
        raise _wrong() from None
    known = isinstance(is_child, bool) and isinstance(start_time, int) and isinstance(span_id, str)
    if not known or not -(2**63) <= start_time < 2**63 or "\0" in span_id:
        raise _wrong()
    return Position(is_child, start_time, span_id)


def _wrong() -> Exception:
    return invalid("Invalid page token of spans.", "page_token")
