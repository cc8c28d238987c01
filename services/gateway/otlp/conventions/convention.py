"""A convention: the names under which an instrumentation records a span's type, inputs, outputs, tokens and model."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from services.gateway.otlp.attributes import decoded, filled
from shared.contracts.message import INT64_MAX

Name = str | re.Pattern[str]
"""An attribute's name, or the pattern of the beginning of numbered ones."""

Event = Mapping[str, Any]
"""An event of a span: ``name`` and ``attributes``. Values are no JSON texts here."""

Usage = dict[str, int]
"""Token counts by MLflow's names, such as ``input_tokens``."""


class TokenNames(NamedTuple):
    """Names of the attributes with counts of tokens. Of several names the first that is there counts."""

    input: Sequence[str] = ()
    output: Sequence[str] = ()
    total: Sequence[str] = ()
    cache_read: Sequence[str] = ()
    cache_creation: Sequence[str] = ()


@dataclass(frozen=True)
class Convention:
    """A convention that needs no more than names. Others derive from it.

    ``kind`` is the attribute that says what a span is; ``types`` translates its values to MLflow's span types.
    ``marks`` and ``prefixes`` are further names, and beginnings of names, by which a span's attributes show that they
    may follow the convention. Methods return None where they do not.
    """

    kind: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    tokens: TokenNames = field(default_factory=TokenNames)
    inputs: Sequence[Name] = ()
    outputs: Sequence[Name] = ()
    models: Sequence[str] = ()
    provider: str = ""
    tools: str = ""
    marks: Sequence[str] = ()
    prefixes: tuple[str, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """All attributes that the convention reads, but for those with a prefix."""
        tokens = (name for names in self.tokens for name in names)
        contents = (each for each in (*self.inputs, *self.outputs) if isinstance(each, str))
        names = (self.kind, self.provider, self.tools, *self.models, *self.marks)
        return frozenset((*names, *tokens, *contents)) - {""}

    def concerns(self, attributes: Mapping[str, str]) -> bool:
        """Return whether a span's attributes may follow the convention. Most spans follow one or none."""
        return not self.names.isdisjoint(attributes) or (
            bool(self.prefixes) and any(name.startswith(self.prefixes) for name in attributes)
        )

    def type_of(self, attributes: Mapping[str, str]) -> str | None:
        """Return MLflow's span type."""
        kind = decoded(attributes.get(self.kind))
        return self.types.get(kind) if isinstance(kind, str) else None

    def inputs_of(self, attributes: Mapping[str, str]) -> str | None:
        """Return the inputs as JSON text."""
        return first_filled(attributes, self.inputs)

    def outputs_of(self, attributes: Mapping[str, str]) -> str | None:
        """Return the outputs as JSON text."""
        return first_filled(attributes, self.outputs)

    def inputs_in(self, events: Iterable[Event], attributes: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """Return the inputs as JSON text, from events."""
        return None

    def outputs_in(self, events: Iterable[Event], attributes: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """Return the outputs as JSON text, from events."""
        return None

    def usage_of(self, attributes: Mapping[str, str]) -> Usage | None:
        """Return the numbers of tokens; the total is computed if it is missing."""
        names = self.tokens
        return usage(
            _count(attributes, names.input),
            _count(attributes, names.output),
            _count(attributes, names.total),
            _count(attributes, names.cache_read),
            _count(attributes, names.cache_creation),
        )

    def model_of(self, attributes: Mapping[str, str]) -> Any:
        """Return the model's name."""
        return decoded(first_filled(attributes, self.models))

    def provider_of(self, attributes: Mapping[str, str]) -> Any:
        """Return the name of the model's provider."""
        return decoded(filled(attributes, self.provider))

    def tools_of(self, attributes: Mapping[str, str]) -> str | None:
        """Return the definitions of tools as JSON text."""
        return filled(attributes, self.tools)

    def message_format_of(self, attributes: Mapping[str, str]) -> str | None:  # noqa: ARG002
        """Return the name under which MLflow's UI knows the form of the messages."""
        return None


def usage(
    input_tokens: int | None,
    output_tokens: int | None,
    total_tokens: int | None,
    cache_read: int | None,
    cache_creation: int | None,
) -> Usage | None:
    """Return counts by MLflow's names; None if there are neither inputs, outputs nor a total."""
    if input_tokens is None and output_tokens is None and total_tokens is None:
        return None
    if total_tokens is None and input_tokens is not None and output_tokens is not None:
        total_tokens = input_tokens + output_tokens
    counts = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "total_tokens": total_tokens,
        "cache_read_input_tokens": cache_read,
        "cache_creation_input_tokens": cache_creation,
    }
    return {name: count for name, count in counts.items() if count is not None}


def first_filled(attributes: Mapping[str, str], names: Iterable[Name]) -> str | None:
    """Return the JSON text of the first attribute with one of the names and a value that is not empty."""
    for name in names:
        if isinstance(name, str):
            candidates: Iterable[str] = (name,)
        else:
            candidates = filter(name.match, attributes)
        for each in candidates:
            if text := filled(attributes, each):
                return text
    return None


def count_of(text: str | None) -> int | None:
    """Return the whole number of a JSON text, which some instrumentations record as a string."""
    value = decoded(text)
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            return None
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and abs(value) <= INT64_MAX else None


def _count(attributes: Mapping[str, str], names: Iterable[str]) -> int | None:
    return next((count_of(attributes[each]) for each in names if each in attributes), None)
