"""The attributes of a span in MLflow's form: names, and values as JSON texts.

Source of the names: ``SpanAttributeKey`` in ``mlflow/tracing/constant.py``.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from shared.contracts import limits
from shared.contracts.message import INT64_MAX

TRACE_ID = "mlflow.traceRequestId"
INPUTS = "mlflow.spanInputs"
OUTPUTS = "mlflow.spanOutputs"
SPAN_TYPE = "mlflow.spanType"
TOKEN_USAGE = "mlflow.chat.tokenUsage"  # noqa: S105  # These are a language model's tokens.
TOOLS = "mlflow.chat.tools"
COST = "mlflow.llm.cost"
MODEL = "mlflow.llm.model"
PROVIDER = "mlflow.llm.provider"
MESSAGE_FORMAT = "mlflow.message.format"
TRACE_TAG = "mlflow.traceTag."
"""The prefix of attributes of the root span that are tags of the trace."""

SESSION = "session.id"
CONVERSATION = "gen_ai.conversation.id"
USER = "user.id"
SERVICE_NAME = "service.name"

UNKNOWN = "UNKNOWN"
"""The type of a span of which no convention says more."""

Attributes = dict[str, str]
"""The attributes of one span. Each value is a JSON text."""

_LONGEST_EMPTY = 32
"""Characters of the longest text that is parsed to see whether its value is empty, such as ``[ ]``."""


_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
"""Made once: ``json.dumps`` would make an encoder for each value."""


def dumped(value: Any) -> str:
    """Return a value as JSON text, as MLflow writes it: not escaped, so that searches find what people type."""
    return _encode(value)


def redumped(value: Any) -> str:
    """Return a value that was read from a client's JSON text as JSON text.

    Such a text may hold half of a surrogate pair as an escape, which UTF-8 can't hold.
    """
    return encodable(dumped(value))


def encodable(text: str) -> str:
    """Return the text with ``?`` in the place of what UTF-8 can't hold."""
    return text.encode(errors="replace").decode()


def parsed(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is none, and RecursionError if it is nested too deeply.

    The fast parser refuses some texts that Python's own takes: those with half of a surrogate pair as an escape, and
    those that are nested more than 200 deep.
    """
    try:
        return from_json(text)
    except (ValueError, TypeError):
        return json.loads(text)


def decoded(text: str | None) -> Any:
    """Return the value of a JSON text; the text itself if it is none, or nested too deeply."""
    try:
        return None if text is None else parsed(text)
    except (ValueError, RecursionError):
        return text


def plain(text: str) -> str:
    """Return the string that a JSON text holds; the text itself if its value is no string."""
    value = decoded(text)
    return encodable(value) if isinstance(value, str) else text


def filled(attributes: Mapping[str, str], name: str) -> str | None:
    """Return an attribute's JSON text; None if there is none, or if its value is empty, zero or false."""
    text = attributes.get(name)
    if text is None:
        return None
    # Long texts are inputs and outputs of megabytes. They are not parsed only to see that they hold something.
    return text if len(text) > _LONGEST_EMPTY or decoded(text) else None


def storable(text: str) -> str:
    """Return the text as PostgreSQL and UTF-8 can hold it: without U+0000 and halves of surrogate pairs."""
    return encodable(text.replace("\0", "\ufffd"))


def numbers(attributes: Attributes, name: str, kind: type[int] | type[float]) -> dict[str, Any]:
    """Return the numbers of an attribute that is an object; what is no number of this kind is left out."""
    value = decoded(attributes.get(name))
    if not isinstance(value, dict) or len(value) > limits.SMALL_LIST:
        return {}
    numbers = {key: _number(each, kind) for key, each in value.items()}
    return {storable(key): each for key, each in numbers.items() if each is not None}


def _number(value: Any, kind: type[int] | type[float]) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and abs(value) > INT64_MAX:
        return None
    if not math.isfinite(value) or (kind is int and value != int(value)):
        return None
    number = kind(value)
    return number if abs(number) <= INT64_MAX else None
