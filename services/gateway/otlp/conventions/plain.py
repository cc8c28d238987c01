"""Conventions that need no more than names.

Source: the modules of these names in ``mlflow/tracing/otel/translation``, which link each convention's own
documentation.
"""

import re
from collections.abc import Iterable, Mapping

from services.gateway.otlp.conventions.convention import Convention, Event, TokenNames

OPEN_INFERENCE = Convention(
    kind="openinference.span.kind",
    types={
        kind: kind
        for kind in (
            "TOOL",
            "CHAIN",
            "LLM",
            "RETRIEVER",
            "EMBEDDING",
            "AGENT",
            "RERANKER",
            "UNKNOWN",
            "GUARDRAIL",
            "EVALUATOR",
        )
    },
    tokens=TokenNames(
        input=("llm.token_count.prompt",),
        output=("llm.token_count.completion",),
        total=("llm.token_count.total",),
        cache_read=("llm.token_count.prompt_details.cache_read",),
        cache_creation=("llm.token_count.prompt_details.cache_write",),
    ),
    inputs=("input.value",),
    outputs=("output.value",),
    models=(
        "llm.response.model_name",
        "llm.model_name",
        "llm.request.model_name",
        "embedding.model_name",
    ),
    provider="llm.provider",
)

TRACELOOP = Convention(
    kind="traceloop.span.kind",
    types={
        "workflow": "WORKFLOW",
        "task": "TASK",
        "agent": "AGENT",
        "tool": "TOOL",
        "unknown": "UNKNOWN",
    },
    tokens=TokenNames(
        input=("gen_ai.usage.prompt_tokens",),
        output=("gen_ai.usage.completion_tokens",),
        total=("llm.usage.total_tokens",),
    ),
    inputs=(
        "traceloop.entity.input",
        re.compile(r"gen_ai\.prompt\.\d+\.content"),
        re.compile(r"gen_ai\.completion\.\d+\.tool_calls\.\d+\.arguments"),
    ),
    outputs=("traceloop.entity.output", re.compile(r"gen_ai\.completion\.\d+\.content")),
    provider="gen_ai.system",
    prefixes=("gen_ai.prompt.", "gen_ai.completion."),
)

GOOGLE_ADK = Convention(
    inputs=("gcp.vertex.agent.llm_request", "gcp.vertex.agent.tool_call_args"),
    outputs=("gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response"),
)

LANGFUSE = Convention(
    kind="langfuse.observation.type",
    types={
        "generation": "LLM",
        "embedding": "EMBEDDING",
        "tool": "TOOL",
        "retriever": "RETRIEVER",
        "agent": "AGENT",
        "chain": "CHAIN",
        "evaluator": "EVALUATOR",
        "guardrail": "GUARDRAIL",
        "span": "UNKNOWN",
    },
    inputs=("langfuse.observation.input",),
    outputs=("langfuse.observation.output",),
)


class _Laminar(Convention):
    def message_format_of(self, attributes: Mapping[str, str]) -> str | None:
        return "openai" if self.kind in attributes else None


LAMINAR = _Laminar(
    kind="lmnr.span.type",
    types={
        "LLM": "LLM",
        "TOOL": "TOOL",
        "DEFAULT": "CHAIN",
        "PIPELINE": "CHAIN",
        "EXECUTOR": "AGENT",
        "EVALUATOR": "EVALUATOR",
        "HUMAN_EVALUATOR": "EVALUATOR",
        "EVALUATION": "EVALUATOR",
        "CACHED": "LLM",
    },
    inputs=("lmnr.span.input",),
    outputs=("lmnr.span.output",),
    models=("gen_ai.response.model", "gen_ai.request.model"),
    provider="gen_ai.system",
)


class _SpringAi(Convention):
    """Spring AI records prompts and completions as events. Its attributes are those of GenAI."""

    def inputs_in(self, events: Iterable[Event], attributes: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return _text_in(events, "gen_ai.content.prompt", "gen_ai.prompt")

    def outputs_in(self, events: Iterable[Event], attributes: Mapping[str, str]) -> str | None:  # noqa: ARG002
        return _text_in(events, "gen_ai.content.completion", "gen_ai.completion")


SPRING_AI = _SpringAi()


def _text_in(events: Iterable[Event], name: str, attribute: str) -> str | None:
    """Return the text of the first event of a name that has one."""
    texts = (each["attributes"].get(attribute) for each in events if each["name"] == name)
    return next((text for text in texts if text and isinstance(text, str)), None)
