"""Large frames travel deflated, and are read as they were."""

import secrets
import time
import zlib

import pytest

from shared.messaging.messages import Envelope, Frame, decode_frame, encode_frame, new_id
from shared.messaging.packing import LARGEST_FRAME, LARGEST_MESSAGE, PACKED_FROM, pack, unpack


def frame_of(payload: bytes) -> Frame:
    envelope = Envelope(new_id(), "Name", 1, payload, deadline=time.time())
    return Frame(new_id(), "commands", [envelope])


def test_a_large_frame_is_read_as_it_was():
    frame = frame_of(b'{"text":"' + b"ab" * 10_000_000 + b'"}')
    sent = pack(encode_frame(frame))
    assert len(sent) < LARGEST_MESSAGE / 10
    assert decode_frame(frame.id, sent) == frame


def test_a_frame_that_fits_travels_as_it_is():
    body = encode_frame(frame_of(b"x" * 8 * 1024**2))
    assert len(body) < PACKED_FROM
    assert pack(body) is body
    assert unpack(body) is body


def test_a_deflated_frame_that_is_still_large_is_not_deflated_again():
    frame = frame_of(secrets.token_bytes(PACKED_FROM + 1000))
    sent = pack(encode_frame(frame))
    assert len(sent) > PACKED_FROM
    assert pack(sent) is sent
    assert decode_frame(frame.id, sent) == frame


@pytest.mark.parametrize(
    "body",
    [
        b"\x78nothing of zlib's",
        zlib.compress(b"x" * 1000)[:-9],
        zlib.compress(b"\0" * (LARGEST_FRAME + 1)),
    ],
    ids=["no zlib", "cut off", "too large"],
)
def test_what_was_no_frame_is_refused(body):
    with pytest.raises(ValueError):  # noqa: PT011
        unpack(body)
