"""Run by a client's Python: ask that release's own server about evaluation datasets, and print its answers."""

import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from mlflow.server import app

directory = tempfile.mkdtemp()
# The first request opens it.
os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{directory}/mlflow.db"
os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = directory

sys.path.append(str(Path(__file__).parent))
requests = importlib.import_module("evaluation_dataset_requests")

server = app.test_client()


def send(method, path, fields):
    version = "2.0" if path.startswith("experiments/") else "3.0"
    url = f"/api/{version}/mlflow/{path}"
    place = "query_string" if method == "GET" else "json"
    answer = server.open(url, method=method, **{place: fields})
    # Two datasets of the same millisecond have no order.
    time.sleep(0.002)
    return answer.get_json(force=True)


names = requests.Names()
json.dump([names.answer(each, send(*names.fill(each))) for each in requests.REQUESTS], sys.stdout)
