"""JSON texts in attributes are read as Python's own parser reads them, though another one reads most of them."""

import json

import pytest

from services.gateway.otlp.attributes import decoded, parsed

DEEP = "[" * 300 + "]" * 300


@pytest.mark.parametrize(
    "text",
    [
        '"text"',
        '{"a": [1, 2.5, true, null, "\\u00e9"], "a": -0.0}',
        "[1e999, -Infinity]",
        "9" * 4000,
        '"\\u0000"',
        '"\\ud800"',
        DEEP,
        " [1]\n",
    ],
)
def test_value_is_that_of_pythons_parser(text):
    assert repr(parsed(text)) == repr(json.loads(text))


@pytest.mark.parametrize(
    "text", ["", "text", '"', "[1] x", "{'a': 1}", '"a\tb"', '"\ud800', "9" * 5000, "[" * 100_000]
)
def test_text_that_is_no_json_is_its_own_value(text):
    with pytest.raises((ValueError, RecursionError)):
        json.loads(text)
    assert decoded(text) == text
