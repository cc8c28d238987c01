"""Run by a client's Python: print every route of that release's own server as JSON, `[[method, path], …]`."""

import json
import sys

from mlflow.server import app
from mlflow.server.fastapi_app import create_fastapi_app

NOT_OF_AN_API = {"HEAD", "OPTIONS"}
of_flask = {
    (method, rule.rule)
    for rule in app.url_map.iter_rules()
    for method in (rule.methods or set()) - NOT_OF_AN_API
}
of_fastapi = {
    (method.upper(), path)
    for path, methods in create_fastapi_app().openapi()["paths"].items()
    for method in methods
}
json.dump(sorted(of_flask | of_fastapi), sys.stdout)
