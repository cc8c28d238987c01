"""A command whose question to another service gets no answer: its error says "Nothing was done" only if that is true."""

import time

import pytest

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.model_experiments import RenameModelExperiment
from shared.contracts.runs import GetRun
from shared.handling.context import Context
from shared.messaging.messages import Answer, Envelope, new_id

NOTHING = "The tracking service did not answer. Nothing was done; try again."
PART = "The tracking service did not answer. A part may have been done; try again."
DONE, REFUSED = Answer(b"{}"), Answer(b"no", ErrorCode.INVALID_PARAMETER_VALUE)
UNSENT = DomainError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "The broker is away.")
IN_TIME = DomainError(ErrorCode.TEMPORARILY_UNAVAILABLE, "No answer in time.")


class OtherService:
    """Answers, or raises, one after another."""

    ready = True

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.asked = []

    async def call(self, service, kind, envelope, seconds=None):  # noqa: ARG002
        self.asked.append(envelope)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome


def transaction(*outcomes):
    envelope = Envelope(new_id(), "CreateModelVersion", 7, b"{}", time.time() + 60)
    return Context(7, envelope, OtherService(*outcomes))


async def ask(tx):
    await tx.query(GetRun(run_id="r"))


async def have_done(tx):
    await tx.send_command(RenameModelExperiment(registered_model_id=new_id(), new_name="m"))


@pytest.mark.parametrize(
    ("steps", "outcomes", "said"),
    [
        ([ask], [UNSENT], NOTHING),
        ([ask], [IN_TIME], NOTHING),
        ([have_done], [UNSENT], NOTHING),
        ([have_done], [IN_TIME], PART),
        ([ask, have_done], [DONE, UNSENT], NOTHING),
        ([have_done, ask], [DONE, UNSENT], PART),
        ([have_done, ask], [DONE, IN_TIME], PART),
        ([have_done, ask], [REFUSED, IN_TIME], NOTHING),
        ([have_done, have_done], [REFUSED, IN_TIME], PART),
    ],
)
async def test_an_unanswered_question_is_429_and_tells_what_was_done(steps, outcomes, said):
    tx = transaction(*outcomes)
    for step in steps:
        try:
            await step(tx)
        except DomainError as error:
            refused = error
    assert (refused.code, refused.message) == (ErrorCode.REQUEST_LIMIT_EXCEEDED, said)


async def test_a_question_is_about_the_commands_project_or_another_one():
    tx = transaction(DONE, DONE)
    await ask(tx)
    await tx.query(GetRun(run_id="r"), 9)
    assert [envelope.project for envelope in tx.bus.asked] == [7, 9]
