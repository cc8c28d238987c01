"""What calls of language models cost, by MLflow's catalogue of models and prices.

Source: ``calculate_cost_by_model_and_token_usage`` in ``mlflow/tracing/utils/__init__.py``, ``cost_per_token`` in
``mlflow/utils/providers.py``, and the files in ``mlflow/utils/model_catalog``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json

_MILLION = 1_000_000

_ROUTES = ("gateway:/", "endpoints:/")
"""Prefixes of names that are no models, but ways to them."""

_DATABRICKS = ("databricks-", "databricks/")


class Rates(NamedTuple):
    """US dollars a token."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    cache_write_hour: float

    def cost(self, usage: Mapping[str, int]) -> Mapping[str, float]:
        """Return the costs by MLflow's names. The input tokens of ``usage`` include the cached ones."""
        read, written = (
            usage.get("cache_read_input_tokens", 0),
            usage.get("cache_creation_input_tokens", 0),
        )
        hour = min(usage.get("cache_creation_input_tokens_above_1hr", 0), written)
        inputs = (
            max(usage.get("input_tokens", 0) - read - written, 0) * self.input
            + read * self.cache_read
            + (written - hour) * self.cache_write
            + hour * self.cache_write_hour
        )
        outputs = usage.get("output_tokens", 0) * self.output
        return {"input_cost": inputs, "output_cost": outputs, "total_cost": inputs + outputs}


class Prices:
    """The prices of a catalogue. Without a directory there are none."""

    def __init__(self, directory: Path | None) -> None:
        """Read the directory's files, one for each provider. Raises OSError and ValueError."""
        files = sorted(directory.glob("*.json")) if directory else []
        self._by_provider = {file.stem: _models(file) for file in files}
        self._by_model = _merged(self._by_provider.values())

    def cost(
        self, model: object, usage: Mapping[str, int], provider: object
    ) -> Mapping[str, float] | None:
        """Return the cost of a call; None for an unknown model, and for a call without tokens."""
        if not isinstance(model, str) or model.startswith(_ROUTES):
            return None
        if not usage.get("input_tokens") and not usage.get("output_tokens"):
            return None
        if not provider and model.startswith(_DATABRICKS):
            provider = "databricks"
        own = self._by_provider.get(provider.lower(), {}) if isinstance(provider, str) else {}
        # Some clients put the provider before the name.
        name = model.split("/", 1)[-1]
        rates = own.get(name) or self._by_model.get(name)
        return rates.cost(usage) if rates else None


def _models(file: Path) -> Mapping[str, Rates]:
    models = from_json(file.read_bytes()).get("models", {})
    return {name: _rates(entry.get("pricing") or {}) for name, entry in models.items()}


def _rates(pricing: Mapping[str, Any]) -> Rates:
    def rate(name: str, default: float) -> float:
        value = pricing.get(f"{name}_per_million_tokens")
        return default if value is None else value / _MILLION

    inputs = rate("input", 0.0)
    written = rate("cache_write", inputs)
    return Rates(
        inputs,
        rate("output", 0.0),
        rate("cache_read", inputs),
        written,
        rate("cache_write_1hr", written),
    )


def _merged(providers: Iterable[Mapping[str, Rates]]) -> Mapping[str, Rates]:
    """Return the rates by model alone: of the first provider that has a price for its inputs, or else of the first."""
    merged: dict[str, Rates] = {}
    for models in providers:
        for name, rates in models.items():
            if name not in merged or (rates.input and not merged[name].input):
                merged[name] = rates
    return merged
