from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.validation import missing_value
from shared.messaging.messages import (
    Answer,
    Envelope,
    Frame,
    decode_answers,
    decode_frame,
    decode_reply,
    encode_answers,
    encode_frame,
    encode_replies,
    new_id,
)
from shared.postgres.inbox import key_id

envelopes = st.builds(
    Envelope,
    id=st.uuids(),
    name=st.text(),
    project=st.integers(0, 2**63 - 1),
    payload=st.binary(),
    deadline=st.floats(allow_nan=False, allow_infinity=False),
    user_id=st.none() | st.integers(1, 2**63 - 1),
    username=st.text(),
    dialect=st.sampled_from(["mlflow", "gitlab"]),
    request_id=st.text(),
    idempotency_key=st.none() | st.text(),
    traceparent=st.text(),
)
done = st.binary().map(Answer)
refused = st.tuples(st.binary(), st.sampled_from(ErrorCode)).map(lambda given: Answer(*given))
about_parameter = st.builds(
    Answer, st.binary(), st.sampled_from(ErrorCode), st.text(min_size=1), st.booleans()
)
answers = st.dictionaries(st.integers(0, 1000), done | refused | about_parameter)


@given(st.builds(Frame, st.uuids(), st.sampled_from(["commands", "queries"]), st.lists(envelopes)))
def test_a_frame_reads_back_as_it_was_written(frame):
    assert decode_frame(frame.id, encode_frame(frame)) == frame


@given(answers)
def test_answers_read_back_as_they_were_written(given_answers):
    assert decode_answers(encode_answers(given_answers)) == given_answers


def test_an_error_crosses_the_bus_with_its_parameter():
    error = missing_value("metrics[0].key")
    with pytest.raises(DomainError) as raised:
        decode_answers(encode_answers({0: Answer.refusal(error)}))[0].checked()
    assert vars(raised.value) == vars(error)


@given(answers, st.integers(1, 50))
def test_reply_messages_carry_every_answer_in_pieces_of_a_bounded_size(given_answers, reply_bytes):
    bodies = dict.fromkeys(given_answers, b"")
    ended = []
    for message in encode_replies(given_answers, reply_bytes):
        pieces = list(decode_reply(message))
        assert sum(len(piece.body) for piece in pieces) <= reply_bytes
        for piece in pieces:
            assert piece.index not in ended
            assert piece.start == len(bodies[piece.index])
            given_answer = given_answers[piece.index]
            assert Answer(given_answer.body, piece.error, *piece.details) == given_answer
            bodies[piece.index] += piece.body
            if piece.last:
                ended.append(piece.index)
    assert ended == list(given_answers)
    assert bodies == {index: answer.body for index, answer in given_answers.items()}


@given(st.tuples(envelopes, envelopes))
def test_an_idempotency_key_is_of_one_project_user_dialect_and_route(pair):
    first, second = (replace(each, idempotency_key=f"{each.name}/k") for each in pair)
    scopes = {(each.project, each.user_id, each.dialect, each.name) for each in (first, second)}
    assert len({key_id(first), key_id(second)}) == len(scopes)
    assert key_id(replace(first, username="other", id=new_id())) == key_id(first)


def test_a_name_that_looks_like_anothers_number_shares_no_key():
    fields: dict[str, Any] = {
        "name": "Add",
        "project": 1,
        "payload": b"",
        "deadline": 0.0,
        "idempotency_key": "k",
    }
    numbered = Envelope(id=new_id(), user_id=5, username="ann", dialect="gitlab", **fields)
    named = Envelope(id=new_id(), user_id=6, username="5", **fields)
    assert key_id(numbered) != key_id(named)


def test_ids_are_version_7_and_follow_each_other_in_time():
    first = new_id()
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert ids[-1].int >> 80 >= first.int >> 80
