"""Adds MLflow's attributes to a span that follows a convention of OpenTelemetry.

An attribute that the span has already stays. Source: ``translate_span_when_storing`` in
``mlflow/tracing/otel/translation/__init__.py``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from services.gateway.otlp.attributes import (
    COST,
    INPUTS,
    MESSAGE_FORMAT,
    MODEL,
    OUTPUTS,
    PROVIDER,
    SPAN_TYPE,
    TOKEN_USAGE,
    TOOLS,
    UNKNOWN,
    Attributes,
    decoded,
    numbers,
    redumped,
)
from services.gateway.otlp.conventions.agents import CLAUDE_CODE, VERCEL_AI, VOLT_AGENT
from services.gateway.otlp.conventions.convention import Convention, Event
from services.gateway.otlp.conventions.gen_ai import GEMINI_CLI, GEN_AI, LIVEKIT
from services.gateway.otlp.conventions.plain import (
    GOOGLE_ADK,
    LAMINAR,
    LANGFUSE,
    OPEN_INFERENCE,
    SPRING_AI,
    TRACELOOP,
)
from services.gateway.otlp.prices import Prices

CONVENTIONS: Sequence[Convention] = (
    OPEN_INFERENCE,
    GEMINI_CLI,
    CLAUDE_CODE,
    GEN_AI,
    SPRING_AI,
    TRACELOOP,
    GOOGLE_ADK,
    VERCEL_AI,
    VOLT_AGENT,
    LIVEKIT,
    LAMINAR,
    LANGFUSE,
)
"""In MLflow's order. Of several conventions that say something of a span, the first counts."""

Found = TypeVar("Found")


def translate(attributes: Attributes, events: Sequence[Event], prices: Prices) -> None:
    """Add the type, inputs, outputs, token usage, tools, model, provider and cost to a span's attributes."""
    kind = decoded(attributes.get(SPAN_TYPE))
    if kind in (None, UNKNOWN) and (found := _first(lambda each: each.type_of(attributes))):
        attributes[SPAN_TYPE] = redumped(found)
    _add(attributes, INPUTS, lambda: _inputs(attributes, events))
    _add(attributes, OUTPUTS, lambda: _outputs(attributes, events))
    _add(attributes, TOKEN_USAGE, lambda: _dumped(_first(lambda each: each.usage_of(attributes))))
    _add(
        attributes,
        MESSAGE_FORMAT,
        lambda: _dumped(_first(lambda each: each.message_format_of(attributes))),
    )
    _add(attributes, TOOLS, lambda: _first(lambda each: each.tools_of(attributes)))
    _add(attributes, MODEL, lambda: _dumped(_model(attributes)))
    _add(attributes, PROVIDER, lambda: _dumped(_first(lambda each: each.provider_of(attributes))))
    if TOKEN_USAGE in attributes and MODEL in attributes:
        _add(attributes, COST, lambda: _dumped(_cost(attributes, prices)))


def _first(ask: Callable[[Convention], Found | None]) -> Found | None:
    return next(filter(None, map(ask, CONVENTIONS)), None)


def _add(attributes: Attributes, name: str, make: Callable[[], str | None]) -> None:
    if name not in attributes and (text := make()):
        attributes[name] = text


def _dumped(value: Any) -> str | None:
    return redumped(value) if value else None


def _inputs(attributes: Attributes, events: Iterable[Event]) -> str | None:
    return _first(lambda each: each.inputs_of(attributes)) or (
        _first(lambda each: each.inputs_in(events, attributes)) if events else None
    )


def _outputs(attributes: Attributes, events: Iterable[Event]) -> str | None:
    return _first(lambda each: each.outputs_of(attributes)) or (
        _first(lambda each: each.outputs_in(events, attributes)) if events else None
    )


def _cost(attributes: Attributes, prices: Prices) -> Mapping[str, float] | None:
    usage = numbers(attributes, TOKEN_USAGE, int)
    return prices.cost(decoded(attributes[MODEL]), usage, decoded(attributes.get(PROVIDER)))


def _model(attributes: Attributes) -> Any:
    """Return the model's name from the conventions, or from ``model`` in the inputs or outputs."""
    if found := _first(lambda each: each.model_of(attributes)):
        return found
    for name in (INPUTS, OUTPUTS):
        if (value := attributes.get(name)) and '"model"' in value:
            content = decoded(value)
            model = content.get("model") if isinstance(content, dict) else None
            if model:
                return model if isinstance(model, str) else None
    return None
