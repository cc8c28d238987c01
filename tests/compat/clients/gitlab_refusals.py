"""A project's tracking URI refuses a bad token, a project that the user can't see, and a role that may not write."""

import json
import os
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import mlflow
from mlflow.tracking import MlflowClient
from scenario import new_run, refused, unique

given, token = os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_TRACKING_TOKEN"]
root = given.partition("/api/v4/")[0]


def rest(path: str, **fields: Any) -> dict[str, Any]:
    """Send a POST to GitLab's REST API and return the answer."""
    request = urllib.request.Request(
        f"{root}/api/v4/{path}",
        json.dumps(fields).encode(),
        {"PRIVATE-TOKEN": token, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        found: dict[str, Any] = json.load(response)
        return found


ends = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
# In open mode the root project refuses no one.
project = rest("projects", name=unique("refusals"))["id"]
uri = f"{root}/api/v4/projects/{project}/ml/mlflow"
path = f"projects/{project}/access_tokens"
reader = rest(path, name="r", scopes=["api"], access_level=20, expires_at=ends)["token"]
read_only = rest(path, name="s", scopes=["read_api"], access_level=40, expires_at=ends)["token"]


def as_holder(of: str, mount: str = uri) -> MlflowClient:
    """Return a client that shows this token."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = of
    mlflow.set_tracking_uri(mount)
    return MlflowClient(mount)


run_id = new_run(as_holder(token), "refusals")
try:
    with refused("UNAUTHENTICATED", "401 Unauthorized", "The token is invalid."):
        as_holder("glpat-" + "x" * 20).get_run(run_id)
    with refused(
        "PERMISSION_DENIED",
        "You can't change this part",
        "the Developer role or higher is required",
    ):
        as_holder(reader).log_metric(run_id, "m", 1.0)
    assert as_holder(reader).get_run(run_id).info.run_id == run_id
    with refused("PERMISSION_DENIED", "scopes are not sufficient", "one of these is required: api"):
        as_holder(read_only).log_metric(run_id, "m", 1.0)
    hidden = uri.replace(f"/projects/{project}/", "/projects/987654/")
    with refused("NOT_FOUND", "404 Project Not Found", "you have no access to it"):
        as_holder(token, hidden).search_experiments()
    with refused("NOT_FOUND", "404 Project Not Found"):
        as_holder(token, hidden)
        mlflow.set_experiment(unique("hidden"))
finally:
    as_holder(token, given)
