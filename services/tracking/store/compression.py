"""Compresses the documents of folded runs."""

from zlib import Z_DEFAULT_COMPRESSION, compress, compressobj, decompressobj

_DICTIONARY = (
    b'"inputs":{"dataset_inputs" : [], "model_inputs" : []},"outputs":{"model_outputs" : []}'
    b'"mlflow.source.name", "value" : "mlflow.source.type", "value" : "LOCAL"}, {"key" : "mlflow.user", "value" : "'
    b'], "tags" : [{"key" : "mlflow.runName", "value" : "], "params" : [{"key" : "", "value" : "'
    b'"data":{"metrics" : [{"key" : "", "value" : 0., "timestamp" : 17, "step" : 0}, {"key" : "'
)
"""What most documents contain: they refer to it. It must never change, since what was compressed with another one can't
be read."""

_SMALL = 512
"""Bytes of a document from which on it is compressed. Below, decompressing takes longer than reading what it saves."""


def packed(document: bytes) -> bytes:
    """Return a document as it is stored."""
    if len(document) < _SMALL:
        return compress(document, 0)
    compressor = compressobj(Z_DEFAULT_COMPRESSION, zdict=_DICTIONARY)
    return compressor.compress(document) + compressor.flush()


def unpacked(stored: bytes) -> bytes:
    """Return the document. One that was stored without the dictionary, or not compressed, is read as well."""
    return decompressobj(zdict=_DICTIONARY).decompress(stored)
