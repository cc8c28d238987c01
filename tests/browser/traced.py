"""Conversations with an agent, what was said of them, and an evaluation: traces as exporters and clients log them."""

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from tests.rest import Api, metric

EXPERIMENT = "conversations"
EVALUATION = "evaluation-1"
SESSION, USER = "talk-1", "ann"
QUESTIONS = ("Who digs?", "How deep?")
ANSWERS = ("Rabbits dig.", "Three metres.")
SPANS = ("burrow-agent", "look-up", "ask-model")
SCORER = "correct"
CODE = {"source_type": "CODE", "source_id": "scorer"}
PERSON = {"source_type": "HUMAN", "source_id": "ada"}
SECOND = 1_000_000_000


@dataclass
class Traced:
    """The ids of an experiment, of its traces, the oldest first, and of the run of their evaluation."""

    experiment: str
    traces: list[str] = field(default_factory=list)
    evaluation: str = ""


async def trace(rest: Api) -> Traced:
    """Log a conversation of two turns, assess it, and evaluate both turns."""
    traced = Traced(await rest.new_experiment(EXPERIMENT))
    tags = [{"key": "mlflow.runType", "value": "genai_evaluate"}]
    traced.evaluation = await rest.new_run(traced.experiment, run_name=EVALUATION, tags=tags)
    for number, (question, answer) in enumerate(zip(QUESTIONS, ANSWERS, strict=True)):
        traced.traces.append(await _turn(rest, traced.experiment, number, question, answer))
    await rest.done("traces/link-to-run", {"run_id": traced.evaluation, "trace_ids": traced.traces})
    for number, trace_id in enumerate(traced.traces):
        said_by = {"mlflow.assessment.sourceRunId": traced.evaluation}
        await _assess(rest, trace_id, SCORER, number == 0, source=CODE, metadata=said_by)
    await _assess(rest, traced.traces[0], "tone", "kind", source=PERSON, rationale="It is short.")
    await rest.done(
        "runs/log-batch",
        {"run_id": traced.evaluation, "metrics": [metric(f"{SCORER}/mean", 0.5, 0)]},
    )
    await rest.done("runs/update", {"run_id": traced.evaluation, "status": "FINISHED"})
    return traced


async def _turn(rest: Api, experiment: str, number: int, question: str, answer: str) -> str:
    """Send a turn's spans by OTLP, and return the trace's id."""
    trace_id = secrets.token_hex(16)
    # The page of traces shows those of the last days.
    start = time.time_ns() - (60 - number) * SECOND
    messages = [{"role": "user", "content": question}]
    spans = [
        _span(
            trace_id,
            start,
            1,
            SPANS[0],
            {
                "mlflow.spanType": "AGENT",
                "mlflow.spanInputs": json.dumps({"messages": messages}),
                "mlflow.spanOutputs": json.dumps(answer),
                "session.id": SESSION,
                "user.id": USER,
            },
        ),
        _span(
            trace_id,
            start,
            2,
            SPANS[1],
            {
                "mlflow.spanType": "RETRIEVER",
                "mlflow.spanInputs": json.dumps(question),
                "mlflow.spanOutputs": json.dumps(
                    [{"page_content": "Rabbits live in warrens.", "metadata": {"doc_uri": "book"}}]
                ),
            },
        ),
        _span(
            trace_id,
            start,
            3,
            SPANS[2],
            {
                "mlflow.spanType": "CHAT_MODEL",
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o-mini",
                "mlflow.spanInputs": json.dumps({"messages": messages}),
                "mlflow.spanOutputs": json.dumps(
                    {"choices": [{"message": {"role": "assistant", "content": answer}}]}
                ),
                "gen_ai.usage.input_tokens": 11,
                "gen_ai.usage.output_tokens": 7,
            },
        ),
    ]
    body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    headers = {"x-mlflow-experiment-id": experiment}
    async with rest.session.post("../../../v1/traces", json=body, headers=headers) as said:
        assert said.status == 200, await said.text()
    return f"tr-{trace_id}"


def _span(
    trace_id: str, start: int, number: int, name: str, attributes: dict[str, Any]
) -> dict[str, Any]:
    """Return a span of OTLP's JSON; the first one is the root, and the others are in it."""
    return {
        "traceId": trace_id,
        "spanId": f"{number:016x}",
        **({"parentSpanId": f"{1:016x}"} if number > 1 else {}),
        "name": name,
        "startTimeUnixNano": str(start + number * SECOND // 10),
        "endTimeUnixNano": str(start + 4 * SECOND // number),
        "status": {"code": 1},
        "attributes": [
            {
                "key": key,
                "value": {"intValue": str(value)}
                if isinstance(value, int)
                else {"stringValue": value},
            }
            for key, value in attributes.items()
        ],
    }


async def _assess(rest: Api, trace_id: str, name: str, value: Any, **more: Any) -> None:
    feedback = {"assessment_name": name, "trace_id": trace_id, "feedback": {"value": value}, **more}
    path = f"../../3.0/mlflow/traces/{trace_id}/assessments"
    await rest.done(path, {"assessment": feedback})
