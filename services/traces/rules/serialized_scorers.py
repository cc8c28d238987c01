"""Checks the JSON of a scorer, in the words of MLflow.

Sources: ``_validate_serialized_scorer_payload`` in ``mlflow/server/handlers.py``, ``mlflow/utils/validation.py`` and
``mlflow/genai/scorers/scorer_utils.py``. The server never runs a scorer; the clients that read it do.
"""

import json
from collections.abc import Iterator
from typing import Any

from shared.contracts.errors import invalid, missing_resource

LONGEST_NAME = 256
"""Characters in MLflow's column."""

_CODE_REFUSED = (
    "Custom scorer registration (using @scorer decorator) is not supported: a client that reads the scorer would "
    "have to execute its code. Keep the code in a repository and import it, or use built-in scorers or make_judge() scorers."
)

_DESTINATIONS = frozenset(
    {"api_base", "base_url", "model_list", "fallbacks", "custom_llm_provider"}
)
"""Options of LiteLLM that say where requests are sent: ``GATEWAY_DESTINATION_KEYS``."""

_GATEWAY = "gateway"
_INSTRUCTIONS = "instructions_judge_pydantic_data"
_BUILT_IN = "builtin_scorer_pydantic_data"
_MEMORY = "memory_augmented_judge_data"
_THIRD_PARTY = "third_party_scorer_data"


def check_name(name: str) -> None:
    """Raise DomainError unless a scorer may have this name."""
    if not name.strip():
        raise invalid("Scorer name cannot be empty or contain only whitespace.")
    if len(name) > LONGEST_NAME:
        raise invalid(f"'name' exceeds the maximum length of {LONGEST_NAME} characters")


def load(serialized: str) -> dict[str, Any]:
    """Return a serialized scorer. Raises DomainError unless it is an object that clients may reconstruct."""
    try:
        scorer = json.loads(serialized)
    # A number may have too many digits, and lists may be nested too deeply.
    except (ValueError, RecursionError):
        raise invalid("serialized_scorer must be valid JSON") from None
    if not isinstance(scorer, dict):
        raise invalid("serialized_scorer must be a JSON object")
    for each in _objects(scorer):
        if each.get("call_source") is not None:
            raise invalid(_CODE_REFUSED)
    for each in _objects(scorer):
        _check_third_party(each.get(_THIRD_PARTY))
    return scorer


def _objects(root: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects inside a JSON value, itself included."""
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_third_party(data: Any) -> None:
    if not isinstance(data, dict):
        return
    options = data.get("kwargs")
    if options is not None and not isinstance(options, dict):
        kind = type(options).__name__
        raise invalid(f"third_party_scorer_data.kwargs must be a JSON object, got {kind}.")
    if found := sorted(_destinations(options)):
        message = (
            f"third_party_scorer_data.kwargs must not contain {', '.join(map(repr, found))}: these options choose "
            "where the scorer's LLM client sends requests. Configure the judge endpoint on the server instead, for "
            "example through a gateway endpoint ('gateway:/<name>') or the provider's environment variables."
        )
        raise invalid(message)


def _destinations(root: Any) -> set[str]:
    """Return the forbidden options. A list of pairs counts as an object: ``dict()`` makes one of it."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found |= _DESTINATIONS & value.keys()
            waiting.extend(value.values())
        elif isinstance(value, list):
            found.update(each[0] for each in value if _is_pair(each) and each[0] in _DESTINATIONS)
            waiting.extend(value)
    return found


def _is_pair(value: Any) -> bool:
    match value:
        case [str(), _]:
            return True
        case _:
            return False


def model_of(scorer: dict[str, Any]) -> str | None:
    """Return the URI of the model that a scorer asks; None if it asks none. Raises DomainError for a wrong one."""
    while True:
        for key in (_INSTRUCTIONS, _BUILT_IN, _MEMORY, _THIRD_PARTY):
            if data := scorer.get(key):
                break
        else:
            return None
        data = _object(data, key)
        if key != _MEMORY:
            return _checked(data.get("model"))
        # The judge whose memory it is may be one with a memory, too.
        scorer = _object(data.get("base_judge", {}), "base_judge")


def _object(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"'{key}' of serialized_scorer must be a JSON object")
    return value


def _checked(model: Any) -> str | None:
    if model is None:
        return None
    if not isinstance(model, str):
        raise invalid(f"Scorer model must be a string, got {type(model).__name__}.")
    if not model.strip():
        raise invalid("Scorer model cannot be empty or contain only whitespace.")
    return model


def check_endpoint(model: str | None) -> None:
    """Raise DomainError for a model of MLflow's AI Gateway: Warren has none, and so no endpoint of it."""
    provider, _, endpoint = (model or "").partition(":/")
    name = endpoint.lstrip("/")
    if provider == _GATEWAY and name:
        raise missing_resource(f"GatewayEndpoint not found (name='{name}')")
