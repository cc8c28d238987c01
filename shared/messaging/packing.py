"""Deflates large frames, because RabbitMQ 4 refuses messages of more than 16 MiB.

A large frame holds one request with a dataset's profile, of up to 16 MB by MLflow's rules, or a batch of
long texts. Smaller frames are not deflated.
"""

import zlib

LARGEST_MESSAGE = 16 * 1024**2
"""RabbitMQ's limit in bytes since 4.0. It closes the channel of a larger message."""

PACKED_FROM = 10 * 1024**2
"""Bytes from which a frame is deflated."""

LARGEST_FRAME = 64 * 1024**2
"""Bytes up to which a frame is inflated, so that a small message can't fill a worker's memory."""

_DEFLATED = b"\x78"
"""The first byte of zlib's format. A frame that is not deflated begins with the brace of its header."""


def pack(body: bytes) -> bytes:
    """Return the frame, deflated if it is large. Deflating takes tenths of a second."""
    # A retry or dead letter may be deflated already.
    if len(body) < PACKED_FROM or body.startswith(_DEFLATED):
        return body
    return zlib.compress(body, level=1)


def unpack(body: bytes) -> bytes:
    """Return a frame as it was before ``pack``. Raises ValueError if it can't be inflated to a whole frame."""
    if not body.startswith(_DEFLATED):
        return body
    inflating = zlib.decompressobj()
    try:
        frame = inflating.decompress(body, LARGEST_FRAME)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflating.eof:
        message = f"not a whole frame of at most {LARGEST_FRAME} bytes"
        raise ValueError(message)
    return frame
