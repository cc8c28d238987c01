"""Frames that are larger than a broker takes travel deflated: RabbitMQ 4 refuses messages of more than 16 MiB.

That is one request with a profile of a dataset, of up to 16 MB by MLflow's rules, or a batch of long
texts. All others travel as they are.
"""

import zlib

LARGEST_MESSAGE = 16 * 1024**2
"""Bytes. RabbitMQ's own limit since 4.0; it closes the channel of whoever sends more."""

PACKED_FROM = 10 * 1024**2
LARGEST_FRAME = 64 * 1024**2

_DEFLATED = b"\x78"
"""How zlib's format begins; a frame begins with the brace of its header."""


def is_large(body: bytes) -> bool:
    """Tell whether a frame is to be deflated."""
    return len(body) >= PACKED_FROM


def pack(body: bytes) -> bytes:
    """Deflate a frame if it is large; that takes tenths of a second."""
    return zlib.compress(body, level=1) if is_large(body) else body


def unpack(body: bytes) -> bytes:
    """Return a frame as it was before ``pack``. Raises ValueError for what can't have been one."""
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
