"""Every message of a client is carried out or refused; none ends in an internal error."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.registry.handlers import HANDLERS
from shared.contracts.errors import ErrorCode
from shared.contracts.message import Message
from shared.messaging.messages import Answer, Envelope, Frame, new_id
from tests.integration.registry.conftest import PROJECT, FakeTracking, Registry

TEXTS = st.one_of(
    st.sampled_from(
        [
            *("m", "p", "n", "1", "2", "0", "-1", "9" * 20, "9" * 5000, "best", "latest", "v1"),
            *(
                "Production",
                "none",
                "1.0.0",
                "2.0.0-rc.1+b",
                "gitlab.version",
                "a,b",
                "../a",
                "",
                " ",
                "\0",
                "x" * 3000,
                "é",
                "%",
                "²",
            ),
            *("mlflow.prompt.is_prompt", "true", "name = 'm'", "name DESC", "models:/m/1"),
            *("models:/m@best", "models:/p/1", "models:/m-1", "s3://b/p", "s3://b/%2e%2e/p"),
            *("mlflow-artifacts:/7/0/r/artifacts/m", "runs:/r/m", "/etc", "http://[", "file://h/x"),
        ]
    ),
    st.text(max_size=20),
)
VALUES = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.lists(TEXTS, max_size=2),
    st.lists(st.fixed_dictionaries({"key": TEXTS, "value": TEXTS}), max_size=2),
)
ROUNDS = 40


def bodies(contract: type[Message]) -> st.SearchStrategy[dict[str, Any]]:
    """Fill the fields of a contract, mostly with texts."""
    fields = dict.fromkeys(contract.model_fields, st.one_of(TEXTS, TEXTS, VALUES))
    return st.fixed_dictionaries({}, optional=fields) | st.fixed_dictionaries(fields)


@pytest.mark.parametrize("name", sorted(HANDLERS.messages))
async def test_no_message_is_an_internal_error(
    registry: Registry, tracking: FakeTracking, name: str
) -> None:
    tracking.run_roots["r"] = "mlflow-artifacts:/7/0/r/artifacts"
    tracking.models["m-1"] = {"artifact_uri": "mlflow-artifacts:/7/0/models/m-1/artifacts"}
    tracking.done = Answer(b'{"run_id":"r","artifact_uri":"mlflow-artifacts:/7/0/r/artifacts"}')
    for number, body in enumerate(_examples(bodies(HANDLERS.messages[name]))):
        await _restore(registry)
        answer = await _send(registry, name, body, dialect=("mlflow", "gitlab")[number % 2])
        assert answer.error is not ErrorCode.INTERNAL_ERROR, (body, answer.body)


def _examples(strategy: st.SearchStrategy[dict[str, Any]]) -> list[dict[str, Any]]:
    """Draw examples; hypothesis itself runs no coroutines."""
    drawn: list[dict[str, Any]] = []

    @settings(
        max_examples=ROUNDS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(body: dict[str, Any]) -> None:
        drawn.append(body)

    draw()
    return drawn


async def _restore(registry: Registry) -> None:
    """Let there be a model with two versions and an alias, and a prompt."""
    if await registry.pool.fetchval(
        "SELECT count(*) FROM model_aliases JOIN registered_models USING (registered_model_id)"
        " WHERE name = 'm'"
    ):
        return
    await registry.pool.execute("TRUNCATE registered_models CASCADE")
    await registry.model("m")
    for _ in range(2):
        await registry.version("m")
    await registry.call("SetRegisteredModelAlias", name="m", alias="best", version="1")
    await registry.prompt("p")


async def _send(registry: Registry, name: str, body: dict[str, Any], dialect: str) -> Answer:
    payload = json.dumps(body).encode()
    deadline = time.time() + 60
    message = Envelope(new_id(), name, PROJECT, payload, deadline, dialect=dialect)
    if HANDLERS.messages[name].kind == "queries":
        return await registry.executor.query(message)
    frame = Frame(new_id(), "commands", [message, replace(message, id=new_id())])
    outcome = await registry.executor.commands(frame, redelivered=False)
    assert not outcome.poison, body
    return outcome.answers[0]
