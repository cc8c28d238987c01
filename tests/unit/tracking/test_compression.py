"""Documents are read as they were stored, by this release and by earlier ones."""

import json
import zlib

import pytest

from services.tracking.store.compression import packed, unpacked

METRICS = [{"key": f"m{n}", "value": n / 7, "timestamp": 1_760_000_000_000 + n} for n in range(20)]
LARGE = json.dumps({"metrics": METRICS}).encode()
SMALL = b'"data":{"metrics" : []}'

STORED = bytes.fromhex(
    "78bbad5072587dd1b11100200843d1954451dc7f328f46fd14b1a0cbbb204fbc60366e4f4cb0414c70b5fbae9741"
    "63d0bcef19df149001ea840a13c2e970069dda47151a809c10eb980bc7e14c3a8519c29970169df23f269c05277e"
    "c7e4a903c1cd20f738b3d29814"
)
"""What LARGE[:600] was stored as when the dictionary was chosen."""


@pytest.mark.parametrize("document", [LARGE, LARGE[:600], SMALL, b""])
def test_document_comes_back(document):
    assert unpacked(packed(document)) == document


def test_large_document_is_smaller_than_without_the_dictionary():
    assert len(packed(LARGE)) < len(zlib.compress(LARGE))


def test_small_document_is_stored_as_it_is():
    assert SMALL in packed(SMALL)


def test_documents_of_earlier_code_are_read():
    for level in (0, 6):
        assert unpacked(zlib.compress(LARGE, level)) == LARGE


def test_dictionary_has_not_changed():
    assert unpacked(STORED) == LARGE[:600]
