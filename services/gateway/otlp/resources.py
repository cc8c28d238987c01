"""The resource of spans: the program that recorded them."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from services.gateway.otlp.attributes import SERVICE_NAME, storable
from shared.contracts import limits
from shared.mlflow.validation import long_name_fault, name_fault

_SHOWN_SERVICES = frozenset(
    {"claude-code", "codex_cli_rs", "codex_vscode", "gemini-cli", "qwen-code"}
)
"""The programs whose name MLflow copies to root spans (``_KNOWN_SERVICE_NAMES`` in ``mlflow/server/otel_api.py``)."""

_RESERVED = ("telemetry.sdk.", "mlflow.")
"""Prefixes of attributes that are no tags: of OpenTelemetry's SDK, and of MLflow itself."""

KEY_LENGTH = 250
VALUE_LENGTH = 8000
"""Characters of a trace's tag (``MAX_TRACE_TAG_KEY_LENGTH`` and ``MAX_TRACE_TAG_VAL_LENGTH``)."""


class Resource(NamedTuple):
    """What the resource says of its spans: the name of a program that MLflow shows, and tags of their traces."""

    service_name: str = ""
    tags: Mapping[str, str] = {}


def resource_of(attributes: Mapping[str, Any]) -> Resource:
    """Return what is used of a resource's attributes. What can't be a tag is left out, as in MLflow."""
    name = attributes.get(SERVICE_NAME)
    tags = {
        key: tag_value(value if isinstance(value, str) else json.dumps(value, default=str))
        for key, value in attributes.items()
        if value is not None and not key.startswith(_RESERVED) and is_tag_key(key)
    }
    shown = name if isinstance(name, str) and name in _SHOWN_SERVICES else ""
    return Resource(shown, dict(list(tags.items())[: limits.ENTITIES]))


def is_tag_key(key: str) -> bool:
    """Return whether a trace may have a tag of this name."""
    look = name_fault if len(key) <= KEY_LENGTH else long_name_fault
    return len(key) <= KEY_LENGTH and look(key) is None


def tag_value(text: str) -> str:
    """Return the value of a tag: cut, and without U+0000, which PostgreSQL's texts can't hold."""
    return storable(text[:VALUE_LENGTH])
