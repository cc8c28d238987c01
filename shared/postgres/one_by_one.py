"""Carries out the commands of a frame one by one, after the frame's own transaction was rolled back (ADR 3).

Each command has its own transaction and its own inbox row. So one bad command can't fail the others.
"""

import asyncpg

from shared.contracts.errors import DomainError
from shared.handling import dispatch
from shared.messaging.messages import Answer, Envelope, Frame
from shared.messaging.processor import Outcome
from shared.postgres import inbox
from shared.postgres.connection import AnyConnection
from shared.postgres.database_errors import (
    DATABASE_FULL,
    DATABASE_UNAVAILABLE,
    MAX_ATTEMPTS,
    TRANSACTION_CONFLICTS,
)
from shared.postgres.frame_transactions import FrameTransactions, RunOneByOneError
from shared.postgres.handlers import Contention
from shared.runtime.log_context import bound_messages


async def carry_out_one_by_one(
    transactions: FrameTransactions, connection: AnyConnection, frame: Frame
) -> Outcome:
    """Carry out each command in a transaction of its own. Unexpected errors make a command poison."""
    # A replayed dead letter has the id of its only command. Its inbox row is the command's row.
    has_own_row = all(envelope.id != frame.id for envelope in frame.envelopes)
    if has_own_row:
        # Committed at once. From here on no copy of this frame can commit as a whole: its own inbox
        # row would have the same id. Otherwise the commands that are done here could be done twice.
        await inbox.begin_one_by_one(connection, frame.id)
    # A worker before this one may have died halfway. Its commands have inbox rows of their own.
    known = await inbox.find(connection, [frame.id, *(e.id for e in frame.envelopes)])
    if whole := known.get(frame.id):
        return Outcome(whole)
    answers: dict[int, Answer] = {}
    poison: dict[int, str] = {}
    for index, envelope in enumerate(frame.envelopes):
        with bound_messages((envelope,)):
            try:
                done = known.get(envelope.id)
                answers[index] = (
                    done[0] if done else await _until_done(transactions, connection, envelope)
                )
            except (*DATABASE_UNAVAILABLE, *DATABASE_FULL):
                raise
            except Exception as error:
                answers[index] = dispatch.internal_error()
                poison[index] = repr(error)[:500]
    # A frame with poison stays begun: its dead letters are not published yet. If this worker dies
    # first, its copy runs the poison again and publishes them. The other commands have their rows.
    if has_own_row and not poison:
        await inbox.finish_one_by_one(connection, frame.id, answers)
    return Outcome(answers, poison)


async def _until_done(
    transactions: FrameTransactions, connection: AnyConnection, envelope: Envelope
) -> Answer:
    """Carry out one command in its own transaction. A refusal undoes its writes."""
    for attempt in range(MAX_ATTEMPTS):
        try:
            outcome = await transactions.carry_out(
                connection, Frame(envelope.id, "commands", [envelope])
            )
            return outcome.answers[0]
        except (asyncpg.UniqueViolationError, *TRANSACTION_CONFLICTS, Contention):
            # Perhaps another worker has carried out this command: a copy of its frame was delivered.
            known = await inbox.find(connection, [envelope.id])
            if done := known.get(envelope.id):
                return done[0]
            if attempt + 1 == MAX_ATTEMPTS:
                raise
        except RunOneByOneError as undo:
            # The rollback has undone the command's writes. Its refusal is the answer.
            cause = undo.__cause__
            if isinstance(cause, DomainError):
                return Answer.refusal(cause)
            raise
    raise AssertionError  # The loop returns or raises.
