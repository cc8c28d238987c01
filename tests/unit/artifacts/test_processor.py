"""Frames of commands, and unexpected errors."""

from shared.contracts.errors import ErrorCode
from shared.messaging.messages import Frame, new_id
from tests.unit.artifacts.conftest import ROOT, envelope


async def test_commands_of_a_frame_are_answered_each(processor, store):
    store.objects[f"{ROOT}/a"] = b""
    frame = Frame(
        new_id(),
        "commands",
        [
            envelope("DeleteArtifact", path=f"{ROOT}/a"),
            envelope("DeleteArtifact", path="8/x"),
            envelope("Nonsense"),
            envelope("DeleteArtifact", path=f"{ROOT}/a", deadline=1.0),
        ],
    )
    outcome = await processor.commands(frame, redelivered=False)
    assert [outcome.answers[index].error for index in range(4)] == [
        None,
        ErrorCode.RESOURCE_DOES_NOT_EXIST,
        ErrorCode.NOT_IMPLEMENTED,
        ErrorCode.DEADLINE_EXCEEDED,
    ]
    assert not outcome.poison


async def test_surprise_is_an_internal_error_that_is_logged_once(processor, store, capfd):
    async def surprise(_key):
        raise ZeroDivisionError("secret")

    store.delete = surprise
    answer = await processor.query(envelope("DeleteArtifact", path=f"{ROOT}/a"))
    assert answer.error == ErrorCode.INTERNAL_ERROR
    assert b"secret" not in answer.body
    assert "".join(capfd.readouterr()).count("message_failed") == 1
