"""Previews of a trace: the beginning of its inputs and outputs, or of their last message.

Source: ``mlflow/tracing/utils/truncation.py``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from services.gateway.otlp.attributes import decoded, storable

LENGTH = 1000
"""Characters of a preview."""

_CUT = "..."
_TEXTS = frozenset({"text", "output_text"})
"""Types of the parts of a message that are texts."""

Message = Mapping[str, Any]


def preview(text: str, role: str) -> str:
    """Return the preview of inputs or outputs, a JSON text: the last message of ``role``, if there are messages."""
    messages = _messages(decoded(text))
    shown = _text_of(_last(messages, role)) if messages else ""
    shown = storable(shown or text)
    return shown if len(shown) <= LENGTH else shown[: LENGTH - len(_CUT)] + _CUT


def _messages(value: Any) -> Sequence[Message]:
    """Return the messages in a request or response of OpenAI's APIs; nothing in other values."""
    # MLflow's ResponsesAgent wraps a request in an object. JSON bounds how often.
    while isinstance(value, dict):
        if messages := _listed(value.get("messages")):
            return messages
        if message := _choice(value.get("choices")):
            return [message]
        for name in ("input", "output"):
            if messages := _listed(value.get(name)):
                return messages
        value = value.get("request")
    return ()


def _listed(value: Any) -> Sequence[Message]:
    return [each for each in value if _is_message(each)] if isinstance(value, list) else ()


def _choice(choices: Any) -> Message | None:
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    message = choices[0].get("message")
    return message if _is_message(message) else None


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "role" in value and "content" in value


def _last(messages: Sequence[Message], role: str) -> Message:
    of_role = (each for each in reversed(messages) if each["role"] == role)
    return next(of_role, messages[-1])


def _text_of(message: Message) -> str:
    content = message["content"]
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    for part in content:
        if isinstance(part, str):
            return part
        if isinstance(part, dict) and part.get("type") in _TEXTS:
            text = part.get("text")
            return text if isinstance(text, str) else ""
    return ""
