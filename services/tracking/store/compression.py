"""Compresses the documents of folded runs."""

from zlib import Z_DEFAULT_COMPRESSION, compress, compressobj, decompressobj

_DICTIONARY = (
    b'"inputs":{"dataset_inputs" : [], "model_inputs" : []},"outputs":{"model_outputs" : []}'
    b'"mlflow.source.name", "value" : "mlflow.source.type", "value" : "LOCAL"}, {"key" : "mlflow.user", "value" : "'
    b'], "tags" : [{"key" : "mlflow.runName", "value" : "], "params" : [{"key" : "", "value" : "'
    b'"data":{"metrics" : [{"key" : "", "value" : 0., "timestamp" : 17, "step" : 0}, {"key" : "'
)
"""Texts that most documents contain, so that a document refers to them. It must never change: documents that were
compressed with another dictionary can't be read."""

_SMALL = 512
"""Bytes. Smaller documents are not compressed: decompressing one takes longer than reading the bytes that it saves."""


def packed(document: bytes) -> bytes:
    """Return a document as it is stored."""
    if len(document) < _SMALL:
        return compress(document, 0)
    compressor = compressobj(Z_DEFAULT_COMPRESSION, zdict=_DICTIONARY)
    return compressor.compress(document) + compressor.flush()


def unpacked(stored: bytes) -> bytes:
    """Return the document. One that was stored without the dictionary, or not compressed, is read as well."""
    return decompressobj(zdict=_DICTIONARY).decompress(stored)
