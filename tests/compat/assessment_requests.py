"""Requests for traces and their assessments. ``$name`` in a path stands for an earlier answer's id."""

import json

from tests.compat.mlflow_server import Request

THEN, LATER = "2020-01-01T00:00:00Z", "2020-01-02T03:04:05.678Z"
HUMAN = {"source_type": "HUMAN", "source_id": "ada"}


def start(trace_id, experiment="1", **info):
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    said = {"trace_id": trace_id, "trace_location": place, "request_time": THEN, "state": "OK"}
    return Request("POST", "traces", {"trace": {"trace_info": {**said, **info}}})


def create(name="", save="", trace="tr-1", **fields):
    saved = {save: ("assessment", "assessment_id")} if save else {}
    body = {"assessment": {"assessment_name": name, **fields}}
    return Request("POST", f"traces/{trace}/assessments", body, saved)


def update(saved, mask, trace="tr-1", **fields):
    body = {"assessment": fields, "update_mask": mask}
    return Request("PATCH", f"traces/{trace}/assessments/${saved}", body)


def get(saved, trace="tr-1"):
    return Request("GET", f"traces/{trace}/assessments/${saved}")


def delete(saved, trace="tr-1"):
    return Request("DELETE", f"traces/{trace}/assessments/${saved}", {})


def info(trace="tr-1"):
    return Request("GET", f"traces/{trace}")


def serialized(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": text}}
