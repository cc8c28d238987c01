"""Run by a client's Python: send requests to that release's own server, in this process, and print the answers.

It reads a list of [method, path, body] from the standard input, and prints a list of [status, body]. ``$name`` in a
path or a text of a body stands for an earlier answer's value: a request may have a fourth element, {name: [keys]},
which says where that is.
"""

import json
import logging
import os
import sys
import tempfile

folder = tempfile.mkdtemp()
os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{folder}/mlflow.db"
os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = f"{folder}/artifacts"
os.environ["MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"] = "true"

from mlflow.server import app  # noqa: E402  # It reads the environment.

logging.disable(logging.CRITICAL)


def filled(value, saved):
    if isinstance(value, str):
        for name, text in saved.items():
            value = value.replace(f"${name}", text)
        return value
    if isinstance(value, list):
        return [filled(each, saved) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, saved) for key, each in value.items()}
    return value


def answers(requests):
    client, saved = app.test_client(), {}
    for method, path, body, *places in requests:
        said = client.open(filled(path, saved), method=method, json=filled(body, saved))
        answer = said.get_json(silent=True, force=True)
        for name, keys in (places[0] if places else {}).items():
            found = answer
            for key in keys:
                found = found[key]
            saved[name] = found
        yield [said.status_code, answer]


json.dump(list(answers(json.load(sys.stdin))), sys.stdout)
