"""Conventions of frameworks for agents: Claude Code, Vercel's AI SDK and VoltAgent.

Source: the modules of these names in ``mlflow/tracing/otel/translation``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.gateway.otlp.attributes import decoded, filled, redumped
from services.gateway.otlp.conventions.convention import (
    Convention,
    Event,
    TokenNames,
    Usage,
    usage,
)

_REDACTED = "<REDACTED>"
"""What Claude Code records unless people let it record contents."""

_PREFIX = "claude_code."
_INTERACTION, _REQUEST, _TOOL = "interaction", "llm_request", "tool"

_CONTENTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    _INTERACTION: (("user_prompt", "new_context"), ()),
    _REQUEST: (("new_context",), ("response.model_output",)),
    _TOOL: (("tool_input",), ("new_context",)),
}
"""Attributes with the inputs and the outputs of each kind of span."""

_DETAILS = ("full_command", "file_path", "skill_name", "subagent_type")
"""Attributes of a tool's span that serve as its inputs if those are missing."""


class _ClaudeCode(Convention):
    def type_of(self, attributes: Mapping[str, str]) -> str | None:
        return self.types.get(self._kind(attributes))

    def usage_of(self, attributes: Mapping[str, str]) -> Usage | None:
        if self._kind(attributes) != _REQUEST:
            return None
        read, created = (
            _whole(attributes, "cache_read_tokens"),
            _whole(attributes, "cache_creation_tokens"),
        )
        given = _whole(attributes, "input_tokens")
        # Claude counts cached tokens apart. MLflow's input tokens include them.
        inputs = None if given is None else given + (read or 0) + (created or 0)
        return usage(inputs, _whole(attributes, "output_tokens"), None, read, created)

    def inputs_of(self, attributes: Mapping[str, str]) -> str | None:
        kind = self._kind(attributes)
        names, _ = _CONTENTS.get(kind, ((), ()))
        if text := _first_content(attributes, names):
            return text
        details = {name: _content(attributes, name) for name in _DETAILS} if kind == _TOOL else {}
        shown = {name: decoded(text) for name, text in details.items() if text}
        return redumped(shown) if shown else None

    def outputs_of(self, attributes: Mapping[str, str]) -> str | None:
        _, names = _CONTENTS.get(self._kind(attributes), ((), ()))
        return _first_content(attributes, names)

    def outputs_in(self, events: Iterable[Event], attributes: Mapping[str, str]) -> str | None:
        if self._kind(attributes) != _TOOL:
            return None
        for event in events:
            if event["name"] != "tool.output":
                continue
            for name in ("output", "content", "diff"):
                given = event["attributes"].get(name)
                value = decoded(given) if isinstance(given, str) else given
                if value and value != _REDACTED:
                    return redumped(value)
        return None

    def _kind(self, attributes: Mapping[str, str]) -> str:
        """Return the kind of span without its prefix, which some versions leave out; empty for other spans."""
        kind = decoded(attributes.get(self.kind))
        kind = kind.removeprefix(_PREFIX) if isinstance(kind, str) else ""
        return kind if kind in self.types else ""


def _whole(attributes: Mapping[str, str], name: str) -> int | None:
    value = decoded(attributes.get(name))
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _content(attributes: Mapping[str, str], name: str) -> str | None:
    text = filled(attributes, name)
    return None if text is None or decoded(text) == _REDACTED else text


def _first_content(attributes: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((text for name in names if (text := _content(attributes, name))), None)


CLAUDE_CODE = _ClaudeCode(
    kind="span.type", types={_INTERACTION: "AGENT", _REQUEST: "LLM", _TOOL: "TOOL"}
)

_CHATS = frozenset({"ai.generateText.doGenerate", "ai.streamText.doStream"})
"""The spans of single calls of a model. Their prompts and responses are spread over several attributes."""

_PROMPT, _RESPONSE = "ai.prompt.", "ai.response."

_ENCODINGS = 3
"""How often an attribute of the AI SDK may be encoded as JSON: a list of JSON texts, inside MLflow's JSON text."""


class _VercelAi(Convention):
    def inputs_of(self, attributes: Mapping[str, str]) -> str | None:
        if not self._is_chat(attributes):
            return super().inputs_of(attributes)
        inputs = _with_prefix(attributes, _PROMPT)
        if isinstance(tools := inputs.get("tools"), list):
            inputs["tools"] = [_fully_decoded(each) for each in tools]
        return redumped(inputs) if inputs else None

    def outputs_of(self, attributes: Mapping[str, str]) -> str | None:
        if not self._is_chat(attributes):
            return super().outputs_of(attributes)
        outputs = _with_prefix(attributes, _RESPONSE)
        return redumped(outputs) if outputs else None

    def message_format_of(self, attributes: Mapping[str, str]) -> str | None:
        return "vercel_ai" if self._is_chat(attributes) else None

    def _is_chat(self, attributes: Mapping[str, str]) -> bool:
        kind = _fully_decoded(attributes.get(self.kind))
        return isinstance(kind, str) and kind in _CHATS


def _with_prefix(attributes: Mapping[str, str], prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): _fully_decoded(text)
        for name, text in attributes.items()
        if name.startswith(prefix)
    }


def _fully_decoded(value: Any) -> Any:
    for _ in range(_ENCODINGS):
        if isinstance(value, str):
            value = decoded(value)
    return value


VERCEL_AI = _VercelAi(
    kind="ai.operationId",
    types={
        "ai.generateText": "LLM",
        "ai.generateText.doGenerate": "LLM",
        "ai.toolCall": "TOOL",
        "ai.streamText": "LLM",
        "ai.streamText.doStream": "LLM",
        "ai.generateObject": "LLM",
        "ai.generateObject.doGenerate": "LLM",
        "ai.streamObject": "LLM",
        "ai.streamObject.doStream": "LLM",
        "ai.embed": "EMBEDDING",
        "ai.embed.doEmbed": "EMBEDDING",
        "ai.embedMany": "EMBEDDING",
    },
    inputs=("ai.prompt", "ai.toolCall.args", "ai.value", "ai.values"),
    outputs=(
        "ai.response.text",
        "ai.toolCall.result",
        "ai.response.object",
        "ai.embedding",
        "ai.embeddings",
    ),
)

_MARKS = ("voltagent.operation_id", "voltagent.conversation_id")


class _VoltAgent(Convention):
    def type_of(self, attributes: Mapping[str, str]) -> str | None:
        # ``entity.type`` is inherited from the agent's root span, so that the span's own type comes first.
        kinds = (decoded(attributes.get(name)) for name in (self.kind, "entity.type"))
        types = (self.types.get(kind) for kind in kinds if isinstance(kind, str))
        return next(filter(None, types), None)

    def message_format_of(self, attributes: Mapping[str, str]) -> str | None:
        return "voltagent" if any(mark in attributes for mark in _MARKS) else None


VOLT_AGENT = _VoltAgent(
    kind="span.type",
    types={"agent": "AGENT", "llm": "LLM", "tool": "TOOL", "memory": "MEMORY"},
    tokens=TokenNames(
        input=("usage.prompt_tokens", "llm.usage.prompt_tokens"),
        output=("usage.completion_tokens", "llm.usage.completion_tokens"),
        total=("usage.total_tokens", "llm.usage.total_tokens"),
    ),
    inputs=("agent.messages", "llm.messages", "input"),
    outputs=("output",),
    marks=("entity.type", *_MARKS),
)
