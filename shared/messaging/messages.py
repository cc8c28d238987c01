"""Frames, and the replies to them. A frame is one AMQP message that carries many commands or queries.

On the wire a frame is one line of JSON (readable in RabbitMQ's own tools), a newline, and then the
payloads as raw bytes, in the order of the header's entries. Payloads are opaque here: the gateway
never parses a body, and the service parses it once.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from pydantic_core import from_json, to_json

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.message import Kind
from shared.messaging.packing import unpack

REPLY_BYTES = 4 * 1024**2
"""Bytes of bodies that one reply message carries. RabbitMQ 4 refuses messages of more than 16 MiB, and a
page of runs may be longer."""

_ids = random.Random()  # noqa: S311  # Seeded by the system once: a system call for each id took 3 % of the gateway's time.


def new_id() -> UUID:
    """Return a version 7 UUID (RFC 9562): random, and sorted by time.

    Ids of runs and of inbox rows derive from it. Sorted by time, they are mostly appended to the
    indexes. Python has ``uuid7`` only from 3.14 on. An id protects no secret: its random part must not
    repeat, but may be guessable.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (2**48 - 1)) << 80 | _ids.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


# Not frozen: that would triple the time of making one, and each request makes two.
@dataclass(slots=True)
class Envelope:
    """One command or query with its context; ``deadline`` is in Unix seconds.

    ``id`` is chosen once, by the sender. New ids (of runs) derive from it, so a repeated delivery
    creates nothing twice. ``user_id`` and ``username`` belong to the caller; an anonymous caller has neither.
    ``traceparent`` is W3C's header of that name; it is empty without tracing.
    """

    id: UUID
    name: str
    project: int
    payload: bytes
    deadline: float
    user_id: int | None = None
    username: str = ""
    dialect: str = "mlflow"
    request_id: str = ""
    idempotency_key: str | None = None
    traceparent: str = ""

    @property
    def author(self) -> str:
        """The author of a run or model version: the user's number for GitLab, the name for MLflow, else empty."""
        if self.dialect == "gitlab":
            return "" if self.user_id is None else str(self.user_id)
        return self.username


class Answer(NamedTuple):
    """The reply to one envelope: JSON in ``body``. With ``error``, ``body`` is the error's text in UTF-8.

    ``parameter`` and ``missing`` are those of the DomainError.
    """

    body: bytes
    error: ErrorCode | None = None
    parameter: str = ""
    missing: bool = False

    @classmethod
    def refusal(cls, error: DomainError) -> "Answer":
        """Return the answer that carries a domain error."""
        body = error.message.encode(errors="replace")
        return cls(body, error.code, error.parameter, error.missing)

    def checked(self) -> bytes:
        """Return the JSON. Raises the answer's error as a DomainError."""
        if self.error is not None:
            message = self.body.decode(errors="replace")
            raise DomainError(self.error, message, self.parameter, missing=self.missing)
        return self.body


@dataclass(frozen=True, slots=True)
class Frame:
    """The contents of one AMQP message to a service; ``sent_at`` is in Unix seconds, 0 if unknown."""

    id: UUID
    kind: Kind
    envelopes: Sequence[Envelope]
    sent_at: float = 0.0


Answers = Mapping[int, Answer]
"""Answers by the index of their envelope in the frame. Some may be missing: they come in another reply."""


def encode_frame(frame: Frame) -> bytes:
    """Write a frame; ``decode_frame`` reads it."""
    header = {
        "kind": frame.kind,
        "sent_at": frame.sent_at,
        "envelopes": [
            [
                envelope.id.hex,
                envelope.name,
                envelope.project,
                len(envelope.payload),
                envelope.deadline,
                envelope.user_id,
                envelope.username,
                envelope.dialect,
                envelope.request_id,
                envelope.idempotency_key,
                envelope.traceparent,
            ]
            for envelope in frame.envelopes
        ],
    }
    return b"".join([to_json(header), b"\n", *(e.payload for e in frame.envelopes)])


def decode_frame(frame_id: UUID, body: bytes) -> Frame:
    """Read what ``encode_frame`` wrote. Raises ValueError, KeyError or TypeError for other bodies."""
    # A frame that is not deflated begins with the brace of its header.
    line, _, rest = (body if body[:1] == b"{" else unpack(body)).partition(b"\n")
    header = from_json(line)
    envelopes = []
    start = 0
    for key, name, project, size, *context in header["envelopes"]:
        deadline, user_id, username, dialect, request_id, idempotency_key, traceparent = context
        payload = rest[start : start + size]
        start += size
        envelopes.append(
            Envelope(
                id=UUID(hex=key),
                name=name,
                project=project,
                payload=payload,
                deadline=deadline,
                user_id=user_id,
                username=username,
                dialect=dialect,
                request_id=request_id,
                idempotency_key=idempotency_key,
                traceparent=traceparent,
            )
        )
    return Frame(frame_id, header["kind"], envelopes, header.get("sent_at", 0.0))


def encode_answers(answers: Answers) -> bytes:
    """Write answers in the same form as frames: a JSON line, then the bodies."""
    header = [
        [index, answer.error, len(answer.body), *(_error_details(answer) if answer.error else ())]
        for index, answer in answers.items()
    ]
    return b"".join([to_json(header), b"\n", *(answer.body for answer in answers.values())])


def decode_answers(body: bytes) -> dict[int, Answer]:
    """Read what ``encode_answers`` wrote. Raises ValueError for other bodies."""
    line, _, rest = body.partition(b"\n")
    answers = {}
    start = 0
    for index, error, size, *details in from_json(line):
        code = ErrorCode(error) if error else None
        answers[index] = Answer(rest[start : start + size], code, *details)
        start += size
    return answers


def _error_details(answer: Answer) -> tuple[str, bool] | tuple[()]:
    """Return an error's ``parameter`` and ``missing``. Most errors name no parameter, and then this costs no bytes."""
    return (answer.parameter, answer.missing) if answer.parameter else ()


@dataclass(slots=True)
class Piece:
    """A piece of the answer at ``index``. It begins at the byte ``start``; ``last`` marks the last piece.

    ``details`` has the answer's ``parameter`` and ``missing``, or is empty.
    """

    index: int
    error: ErrorCode | None
    start: int
    body: bytes
    last: bool
    details: tuple[str, bool] | tuple[()] = ()


def encode_replies(answers: Answers, reply_bytes: int = REPLY_BYTES) -> Iterator[bytes]:
    """Write answers as reply messages with at most ``reply_bytes`` of bodies each.

    A longer answer is split into pieces, in several messages.
    """
    held: list[Piece] = []
    room = reply_bytes
    for index, answer in answers.items():
        start, last = 0, False
        details = _error_details(answer) if answer.error else ()
        # At least one round: an answer with an empty body is one empty piece.
        while not last:
            body = answer.body[start : start + room]
            last = start + len(body) == len(answer.body)
            held.append(Piece(index, answer.error, start, body, last, details))
            start += len(body)
            room -= len(body)
            if not room:
                yield _encode_pieces(held)
                held, room = [], reply_bytes
    if held:
        yield _encode_pieces(held)


def _encode_pieces(pieces: Sequence[Piece]) -> bytes:
    header = [
        [each.index, each.error, each.start, len(each.body), each.last, *each.details]
        for each in pieces
    ]
    return b"".join([to_json(header), b"\n", *(piece.body for piece in pieces)])


def decode_reply(body: bytes) -> Iterator[Piece]:
    """Read one message that ``encode_replies`` wrote. Raises ValueError for other bodies."""
    line, _, rest = body.partition(b"\n")
    at = 0
    for index, error, start, size, last, *details in from_json(line):
        code = ErrorCode(error) if error else None
        yield Piece(index, code, start, rest[at : at + size], last, tuple(details))
        at += size
