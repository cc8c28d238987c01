"""Sums tokens and costs over the spans of a trace.

Some integrations note on a span the sum of the spans below it. So what is below a span with numbers does not count,
as in ``_aggregate_from_nodes`` in ``mlflow/tracing/utils/__init__.py``.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

Numbers = Mapping[str, float]

TOKENS = ("input_tokens", "output_tokens", "total_tokens")
CACHED_TOKENS = (
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_input_tokens_above_1hr",
)
"""Summed only where a span has them."""

TOKEN_COLUMNS = (*TOKENS, "cache_read_input_tokens", "cache_creation_input_tokens")
"""The tokens of a trace that figures are computed of."""

COSTS = ("input_cost", "output_cost", "total_cost")


@dataclass(frozen=True, slots=True)
class Node:
    """A span, its parent, and what it measured."""

    span_id: str
    parent_span_id: str | None
    token_usage: Numbers | None = None
    cost: Numbers | None = None


def token_usage(nodes: Sequence[Node]) -> dict[str, int]:
    """Return the tokens of a trace; empty if no span has any."""
    found = _counted(nodes, {node.span_id: node.token_usage for node in nodes})
    keys = [*TOKENS, *(key for key in CACHED_TOKENS if any(key in each for each in found))]
    return {key: int(sum(each.get(key, 0) for each in found)) for key in keys} if found else {}


def tokens_of(metadata: Mapping[str, str], key: str) -> list[int | None] | None:
    """Return the ``TOKEN_COLUMNS`` of the JSON under a key of a trace's metadata; None without that key."""
    if key not in metadata:
        return None
    try:
        usage = json.loads(metadata[key])
    except (ValueError, RecursionError):
        usage = None
    numbers = usage if isinstance(usage, dict) else {}
    return [_whole(numbers.get(name)) for name in TOKEN_COLUMNS]


def _whole(value: Any) -> int | None:
    """Return a number of tokens, which may be a text; None for anything else, as in MLflow."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    fits = math.isfinite(number) and number.is_integer() and abs(number) < _BIGINT
    return int(value if isinstance(value, int) else number) if fits else None


_BIGINT = 2.0**63


def cost(nodes: Sequence[Node]) -> dict[str, float]:
    """Return the costs of a trace; empty if no span has any."""
    found = _counted(nodes, {node.span_id: node.cost for node in nodes})
    return {key: sum((each.get(key, 0.0) for each in found), 0.0) for key in COSTS} if found else {}


def exceeds(sum_: Numbers, said: str, key: str) -> bool:
    """Tell whether a sum is larger than one that a client has sent as JSON. A text without the number stays."""
    try:
        number = from_json(said)[key]
    except (ValueError, TypeError, KeyError):
        return False
    return isinstance(number, int | float) and sum_.get(key, 0) > number


def _counted(nodes: Sequence[Node], numbers: Mapping[str, Numbers | None]) -> list[Numbers]:
    """Return the numbers of the spans that have some and are below no other such span."""
    children: defaultdict[str, list[str]] = defaultdict(list)
    waiting: list[str] = []
    for node in nodes:
        if node.parent_span_id and node.parent_span_id in numbers:
            children[node.parent_span_id].append(node.span_id)
        else:
            waiting.append(node.span_id)
    found: list[Numbers] = []
    while waiting:
        span_id = waiting.pop()
        if measured := numbers[span_id]:
            found.append(measured)
        else:
            waiting.extend(children[span_id])
    return found
