"""Run by a client's Python: ask that release's own server about scorers and reviews, and print its answers."""

import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from mlflow.server import app

sys.path.append(str(Path(__file__).parent))
requests = importlib.import_module("review_requests")


def sender():
    """Return a function that asks a new server."""
    directory = tempfile.mkdtemp()
    # The first request opens it.
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{directory}/mlflow.db"
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = directory
    vars(importlib.import_module("mlflow.server.handlers"))["_tracking_store"] = None
    server = app.test_client()

    def send(method, path, fields):
        version = "2.0" if path.startswith("experiments/") else "3.0"
        place = "query_string" if method == "GET" else "json"
        answer = server.open(
            f"/api/{version}/mlflow/{path}", method=method, **{place: fields or None}
        )
        # Two queues of the same millisecond have no order.
        time.sleep(0.002)
        return answer.get_json(force=True)

    return send


said = {}
for family, asked in requests.FAMILIES.items():
    send, names = sender(), requests.Names()
    said[family] = [names.answer(each, send(*names.fill(each))) for each in asked]
json.dump(said, sys.stdout)
