"""OpenTelemetry's conventions for generative AI, and the two instrumentations that extend them.

Source: ``genai_semconv.py``, ``gemini_cli.py`` and ``livekit.py`` in ``mlflow/tracing/otel/translation``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.gateway.otlp.attributes import UNKNOWN, decoded, redumped
from services.gateway.otlp.conventions.convention import Convention, Event, TokenNames

OPERATION = "gen_ai.operation.name"
REQUEST_MODEL = "gen_ai.request.model"
AGENT_NAME = "gen_ai.agent.name"

GEN_AI = Convention(
    kind=OPERATION,
    types={
        "chat": "CHAT_MODEL",
        "create_agent": "AGENT",
        "embeddings": "EMBEDDING",
        "execute_tool": "TOOL",
        "generate_content": "LLM",
        "invoke_agent": "AGENT",
        "text_completion": "LLM",
        "response": "LLM",
    },
    tokens=TokenNames(
        input=("gen_ai.usage.input_tokens",),
        output=("gen_ai.usage.output_tokens",),
        cache_read=("gen_ai.usage.cache_read.input_tokens",),
        # The second is the older name.
        cache_creation=(
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
        ),
    ),
    inputs=("gen_ai.input.messages", "gen_ai.tool.call.arguments"),
    outputs=("gen_ai.output.messages", "gen_ai.tool.call.result"),
    models=("gen_ai.response.model", REQUEST_MODEL),
    provider="gen_ai.provider.name",
    tools="gen_ai.tool.definitions",
)


class _GeminiCli(Convention):
    """Gemini CLI has operations of its own. MLflow's UI wants its messages in the form of Gemini's SDK."""

    def type_of(self, attributes: Mapping[str, str]) -> str | None:
        return super().type_of(attributes) if _is_gemini(attributes) else None

    def message_format_of(self, attributes: Mapping[str, str]) -> str | None:
        return "gemini" if _is_gemini(attributes) else None

    def inputs_of(self, attributes: Mapping[str, str]) -> str | None:
        text = super().inputs_of(attributes) if _is_gemini(attributes) else None
        contents = decoded(text)
        return redumped({"contents": contents}) if isinstance(contents, list | str) else text

    def outputs_of(self, attributes: Mapping[str, str]) -> str | None:
        text = super().outputs_of(attributes) if _is_gemini(attributes) else None
        # Each step of a streamed answer is an object with parts. The UI wants all parts in one.
        parts = _parts(decoded(text))
        return (
            redumped({"candidates": [{"content": {"role": "model", "parts": parts}}]})
            if parts
            else text
        )


def _is_gemini(attributes: Mapping[str, str]) -> bool:
    name: object = decoded(attributes.get(AGENT_NAME))
    return name == "gemini-cli"


def _parts(contents: Any) -> list[Any]:
    if not isinstance(contents, list):
        return []
    lists = (each.get("parts") for each in contents if isinstance(each, dict))
    return [part for parts in lists if isinstance(parts, list) for part in parts]


GEMINI_CLI = _GeminiCli(
    kind=OPERATION,
    types={"llm_call": "LLM", "tool_call": "TOOL", "agent_call": "AGENT"},
    tokens=GEN_AI.tokens,
    inputs=GEN_AI.inputs,
    outputs=GEN_AI.outputs,
    models=GEN_AI.models,
    provider=GEN_AI.provider,
    marks=(AGENT_NAME,),
)

_LIVEKIT_TYPES: Mapping[str, str] = {
    "lk.retry_count": "LLM",
    "lk.agent_name": "AGENT",
    "lk.instructions": "AGENT",
    "lk.generation_id": "AGENT",
    "lk.input_text": UNKNOWN,
    "lk.user_transcript": UNKNOWN,
    "lk.transcript_confidence": UNKNOWN,
    "lk.transcription_delay": UNKNOWN,
}
_LIVEKIT_PREFIXES: Mapping[str, str] = {"lk.function_tool": "TOOL", "lk.tts": UNKNOWN}

_ROLES: Mapping[str, str] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
}
"""Roles by the names of events with the messages to a model."""

_CHOICE = "gen_ai.choice"
"""The name of an event with a message from a model."""


class _LiveKit(Convention):
    """LiveKit's voice agents: attributes of their own, and GenAI's events."""

    def type_of(self, attributes: Mapping[str, str]) -> str | None:
        if REQUEST_MODEL in attributes:
            return "LLM"
        operation = str(decoded(attributes.get(OPERATION))).lower()
        return self.types.get(operation) or next(filter(None, map(_livekit_type, attributes)), None)

    def message_format_of(self, attributes: Mapping[str, str]) -> str | None:
        return "livekit" if any(name.startswith("lk.") for name in attributes) else None

    def inputs_in(self, events: Iterable[Event], attributes: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return _messages(
            (_ROLES[each["name"]], each["attributes"]) for each in events if each["name"] in _ROLES
        )

    def outputs_in(self, events: Iterable[Event], attributes: Mapping[str, str]) -> str | None:  # noqa: ARG002
        given = (each["attributes"] for each in events if each["name"] == _CHOICE)
        return _messages((_read(each.get("role", "assistant")), each) for each in given)


def _livekit_type(name: str) -> str | None:
    by_prefix = (kind for prefix, kind in _LIVEKIT_PREFIXES.items() if name.startswith(prefix))
    return _LIVEKIT_TYPES.get(name) or next(by_prefix, None)


def _messages(given: Iterable[tuple[Any, Mapping[str, Any]]]) -> str | None:
    """Return roles and the contents of events as JSON text; None if none has a content."""
    messages = [
        {"role": role, "content": _read(content)}
        for role, attributes in given
        if (content := attributes.get("content"))
    ]
    return redumped(messages) if messages else None


def _read(value: Any) -> Any:
    return decoded(value) if isinstance(value, str) else value


LIVEKIT = _LiveKit(
    kind=OPERATION,
    types=GEN_AI.types,
    inputs=("lk.user_input", "lk.user_transcript", "lk.chat_ctx", "lk.input_text"),
    outputs=("lk.response.text", "lk.response.function_calls"),
    marks=(REQUEST_MODEL,),
    prefixes=("lk.",),
)
