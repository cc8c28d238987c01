"""Gzip bombs that cost their maker little."""

import zlib


def bomb(megabytes):
    """Return a gzip stream of zeros: one compressed megabyte, repeated."""
    compressor = zlib.compressobj(9, wbits=31)
    head = compressor.compress(b"") + compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(bytes(2**20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return head + block * megabytes
