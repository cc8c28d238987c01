"""Answers reads of MLflow's web UI about what Warren does not have, with the empty list of an MLflow server.

The UI asks for these although ``server-info`` says that a feature is off, or has no flag for it. Without an answer
its pages show an error where a plain MLflow server shows an empty state, and a run table shows a message in front of
its runs. The answers are those of MLflow 3.17.2 without any data.

They are under ``/ajax-api`` alone, which only the UI uses. A client asks under ``/api`` and learns there that the
endpoint does not exist: an empty list of judges would look as if its judges were lost. Writes are refused under both.
When a family gets its endpoints, its lines here are deleted.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from services.gateway.http.health import fixed_json
from services.gateway.http.routing import Handler

PREFIX = "/ajax-api/"

NOTHING: Mapping[str, Any] = {}
"""MLflow leaves empty lists out."""

EMPTY_ANSWERS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    # The gateway to language models.
    ("GET", "2.0/mlflow/gateway-proxy"): {"endpoints": []},
    ("GET", "3.0/mlflow/gateway/endpoints/list"): NOTHING,
    ("GET", "3.0/mlflow/gateway/endpoints/bindings/list"): NOTHING,
    ("GET", "3.0/mlflow/gateway/model-definitions/list"): NOTHING,
    ("GET", "3.0/mlflow/gateway/secrets/list"): NOTHING,
    ("GET", "3.0/mlflow/gateway/secrets/config"): {"secrets_available": False},
    # Registries of other things than models.
    ("GET", "3.0/mlflow/mcp-servers"): {"mcp_servers": [], "next_page_token": None},
    ("GET", "3.0/mlflow/skills"): {"skills": [], "next_page_token": None},
    # The assistant.
    ("GET", "3.0/mlflow/assistant/config"): {
        "providers": {},
        "projects": {},
        "remote_access_allowed": False,
    },
    ("GET", "3.0/mlflow/assistant/providers"): {"providers": []},
    # The server itself.
    ("GET", "2.0/mlflow/webhooks"): NOTHING,
    ("GET", "3.0/mlflow/ui-telemetry"): {
        "disable_ui_telemetry": True,
        "disable_ui_events": [],
        "ui_rollout_percentage": 0,
    },
}
"""The answer by method, and by path below ``PREFIX``. A POST here reads."""


def empty_routes() -> Iterator[tuple[str, str, Handler]]:
    """Yield the method, path and handler of each answer."""
    for (method, path), answer in EMPTY_ANSWERS.items():
        yield method, PREFIX + path, fixed_json(partial(dict, answer))
