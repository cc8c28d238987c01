"""Adds MLflow's attributes to a span that follows a convention of OpenTelemetry.

An attribute that the span has already stays. Source: ``translate_span_when_storing`` in
``mlflow/tracing/otel/translation/__init__.py``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
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

_NAMES = frozenset(name for each in CONVENTIONS for name in each.names)
_PREFIXES = tuple(prefix for each in CONVENTIONS for prefix in each.prefixes)
"""All attributes by which a span shows that it may follow one of the conventions."""

Found = TypeVar("Found")


def translate(attributes: Attributes, events: Sequence[Event], prices: Prices) -> None:
    """Add the type, inputs, outputs, token usage, tools, model, provider and cost to a span's attributes."""
    said = _concerned(attributes)
    if said or events:
        _translate(attributes, events, said)
    if MODEL not in attributes:
        models = chain((each.model_of(attributes) for each in said), _models(attributes))
        _add_value(attributes, MODEL, models)
    if said:
        _add_value(attributes, PROVIDER, (each.provider_of(attributes) for each in said))
    if TOKEN_USAGE in attributes and MODEL in attributes:
        _add_value(attributes, COST, _costs(attributes, prices))


def _concerned(attributes: Attributes) -> Sequence[Convention]:
    """Return the conventions that a span may follow. Spans of MLflow's own clients follow none."""
    if _NAMES.isdisjoint(attributes) and not any(each.startswith(_PREFIXES) for each in attributes):
        return ()
    return [each for each in CONVENTIONS if each.concerns(attributes)]


def _translate(attributes: Attributes, events: Sequence[Event], said: Sequence[Convention]) -> None:
    """Add what only a convention knows."""
    kind = decoded(attributes.get(SPAN_TYPE))
    if kind in (None, UNKNOWN) and (found := _first(each.type_of(attributes) for each in said)):
        attributes[SPAN_TYPE] = redumped(found)
    if INPUTS not in attributes:
        in_events = (each.inputs_in(events, attributes) for each in CONVENTIONS if events)
        inputs = _first(each.inputs_of(attributes) for each in said) or _first(in_events)
        _add(attributes, INPUTS, inputs)
    if OUTPUTS not in attributes:
        in_events = (each.outputs_in(events, attributes) for each in CONVENTIONS if events)
        outputs = _first(each.outputs_of(attributes) for each in said) or _first(in_events)
        _add(attributes, OUTPUTS, outputs)
    _add_value(attributes, TOKEN_USAGE, (each.usage_of(attributes) for each in said))
    _add_value(attributes, MESSAGE_FORMAT, (each.message_format_of(attributes) for each in said))
    if TOOLS not in attributes:
        _add(attributes, TOOLS, _first(each.tools_of(attributes) for each in said))


def _first(found: Iterable[Found | None]) -> Found | None:
    return next(filter(None, found), None)


def _add(attributes: Attributes, name: str, text: str | None) -> None:
    if text:
        attributes[name] = text


def _add_value(attributes: Attributes, name: str, found: Iterable[Any]) -> None:
    """Add the first value that is not empty. Nothing is looked for if the attribute is there already."""
    if name not in attributes and (value := _first(found)):
        attributes[name] = redumped(value)


def _costs(attributes: Attributes, prices: Prices) -> Iterator[Mapping[str, float] | None]:
    """Yield the cost of the call."""
    usage = numbers(attributes, TOKEN_USAGE, int)
    yield prices.cost(decoded(attributes[MODEL]), usage, decoded(attributes.get(PROVIDER)))


def _models(attributes: Attributes) -> Iterator[str]:
    """Yield the model's name if the inputs, or else the outputs, have a field ``model``."""
    for name in (INPUTS, OUTPUTS):
        text = attributes.get(name, "")
        content = decoded(text) if '"model"' in text else None
        if isinstance(content, dict) and (model := content.get("model")):
            if isinstance(model, str):
                yield model
            return
