"""A judge, and a queue of traces that people are to review."""

import json
from typing import Any

from tests.browser.traced import Traced
from tests.rest import Api

JUDGE = "politeness"
INSTRUCTIONS = ("Is {{ outputs }} polite?", "Is {{ outputs }} kind and polite?")
QUESTION = "Is it polite?"
QUEUE = "Weekly review"
REVIEWERS = ("default", "root")
"""The user of a server that asks for no token, and the one of the administrator's token."""


async def review(rest: Api, traced: Traced) -> None:
    """Register two versions of a judge, ask a question about traces, and put them into a queue."""
    of_experiment = {"experiment_id": traced.experiment}
    for text in INSTRUCTIONS:
        await _done(
            rest, "scorers/register", **of_experiment, name=JUDGE, serialized_scorer=_judge(text)
        )
    labels = {"positive_label": "Yes", "negative_label": "No"}
    asked = await _done(
        rest,
        "label-schemas/create",
        **of_experiment,
        name=QUESTION,
        type="FEEDBACK",
        input={"pass_fail": labels},
    )
    made = await _done(
        rest,
        "review-queues/create",
        **of_experiment,
        name=QUEUE,
        queue_type="CUSTOM",
        users=REVIEWERS,
        schema_ids=[asked["label_schema"]["schema_id"]],
    )
    queue_id = made["review_queue"]["queue_id"]
    await _done(rest, "review-queues/items/add", queue_id=queue_id, item_ids=traced.traces)


def _judge(instructions: str) -> str:
    """Return the JSON of a judge as MLflow's ``make_judge`` makes it."""
    data = {
        "instructions": instructions,
        "model": "openai:/gpt-4.1-mini",
        "feedback_value_type": {"type": "boolean"},
    }
    judge = {
        "name": JUDGE,
        "mlflow_version": "3.17.2",
        "serialization_version": 1,
        "instructions_judge_pydantic_data": data,
    }
    return json.dumps(judge)


async def _done(rest: Api, path: str, **fields: Any) -> Any:
    return await rest.done(f"../../3.0/mlflow/{path}", fields)
