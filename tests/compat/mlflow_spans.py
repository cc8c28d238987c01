"""Run by a client's Python: translate spans with that release's own code.

The standard input is a list of ``ExportTraceServiceRequest`` in base64. The output is, for each, the spans as MLflow
would store them and the previews of the trace.
"""

import base64
import json
import os
import sys

os.environ["MLFLOW_MODEL_CATALOG_URI"] = ""  # Nothing is fetched.

from mlflow.entities.span import Span
from mlflow.tracing.otel.translation import translate_span_when_storing
from mlflow.tracing.utils import TraceJSONEncoder
from mlflow.tracing.utils.truncation import _get_truncated_preview
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def translated(request):
    for part in request.resource_spans:
        for scope in part.scope_spans:
            for span in scope.spans:
                made = translate_span_when_storing(
                    Span.from_otel_proto(span, resource=part.resource)
                )
                attributes = made["attributes"]
                yield {
                    "span": json.loads(json.dumps(made, cls=TraceJSONEncoder, ensure_ascii=False)),
                    "request_preview": preview(attributes.get("mlflow.spanInputs"), "user"),
                    "response_preview": preview(attributes.get("mlflow.spanOutputs"), "assistant"),
                }


def preview(text, role):
    return _get_truncated_preview(text, role=role) if text else None


given = [base64.b64decode(each) for each in json.load(sys.stdin)]
json.dump(
    [list(translated(ExportTraceServiceRequest.FromString(each))) for each in given], sys.stdout
)
