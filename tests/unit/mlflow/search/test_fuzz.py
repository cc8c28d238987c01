"""Every text of a client is parsed, or refused with a DomainError; nothing else is raised."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.limits import FILTER as MAX_LENGTH
from shared.mlflow.search.ast import Comparator, Comparison
from shared.mlflow.search.grammar import Grammar
from shared.mlflow.search.grammars import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
)
from shared.mlflow.search.lexer import tokenize
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.page_token import KeyType, Search, decode_token, encode_token
from shared.mlflow.search.parser import parse_filter

_FRAGMENTS = st.sampled_from(
    [
        *"'\"`().,;=<>!- \n\\",
        *(f"{comparator} " for comparator in Comparator),
        " AND ",
        " NOT ",
        " IS ",
        " NULL",
        "metrics.a",
        "params.`b c`",
        'tags."d"',
        "attributes.run_id",
        "start_time",
        "dataset.name",
        "name",
        "experiment_id",
        "version_number",
        "'x'",
        '"y"',
        "('a', 'b')",
        "1",
        "-2.5e3",
    ]
)
_FILTERS = st.one_of(
    st.text(), st.text(st.characters(codec=None)), st.lists(_FRAGMENTS).map("".join)
)


@contextmanager
def _refusals() -> Iterator[None]:
    """Let the one kind of refusal pass."""
    try:
        yield
    except DomainError as error:
        if error.code is not ErrorCode.INVALID_PARAMETER_VALUE:
            raise


_GRAMMARS = st.sampled_from([RUNS, EXPERIMENTS, REGISTERED_MODELS, MODEL_VERSIONS, LOGGED_MODELS])


@given(_FILTERS, _GRAMMARS)
@example("run_id in (a)", RUNS)
@example("metrics.a = " + "9" * 5000, RUNS)
@example("start_time = " + "9" * 5000, RUNS)
@example("start_time > ٣", RUNS)
@example("version_number = '٣'", MODEL_VERSIONS)
@example("version_number = '" + "9" * 5000 + "'", MODEL_VERSIONS)
def test_any_filter_is_parsed_or_refused(text: str, grammar: Grammar) -> None:
    with _refusals():
        comparisons = parse_filter(text, grammar)
        assert all(isinstance(comparison, Comparison) for comparison in comparisons)


@given(st.lists(_FILTERS, max_size=3), _GRAMMARS)
def test_any_order_is_parsed_or_refused(clauses: list[str], grammar: Grammar) -> None:
    with _refusals():
        orders = parse_order_by(clauses, grammar)
        assert len(orders) == len(clauses)


@given(_FILTERS)
def test_tokens_stand_where_they_say_with_only_white_space_between(text: str) -> None:
    try:
        tokens = tokenize(text, "filter")
    except DomainError:
        return
    ends = [0, *(token.end for token in tokens)]
    starts = [*(token.start for token in tokens), len(text)]
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert all(not text[end:start].strip() for end, start in zip(ends, starts, strict=True))


@pytest.mark.parametrize("piece", ["(", "'", "1", "'\\'", "`a", "a.", "=", "(a)", "1."])
def test_the_time_is_linear_in_the_length(piece: str) -> None:
    """A quadratic step takes minutes here, a linear one well under a second."""
    with pytest.raises(DomainError):
        parse_filter(piece * (MAX_LENGTH // 2 // len(piece)) + "x !", RUNS)


_KEYS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="`"), min_size=1
).filter(lambda key: "\x00" not in key)
_VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'\\\x00"))


@given(_KEYS, _VALUES)
def test_any_key_and_value_can_be_quoted(key: str, value: str) -> None:
    (comparison,) = parse_filter(f"params.`{key}` = '{value}'", RUNS)
    assert (comparison.key, comparison.value) == (key, value)


_SEARCH = Search("runs", "metrics.a > 1", ("start_time",))
_TYPES = (KeyType.INTEGER, KeyType.FLOAT, KeyType.TEXT, KeyType.UUID)


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    st.uuids(),
)
def test_a_page_token_comes_back_as_it_went(
    integer: int, number: float, text: str, uuid: UUID
) -> None:
    key = (integer, number, text, uuid)
    assert decode_token(_SEARCH, encode_token(_SEARCH, key), _TYPES) == key


@given(st.one_of(st.text(min_size=1), st.binary(min_size=1).map(lambda raw: raw.decode("latin1"))))
@example("eyJvZmZzZXQiOiAxfQ==")
@example("W10=")
def test_any_other_page_token_is_refused(token: str) -> None:
    with pytest.raises(DomainError) as caught:
        decode_token(_SEARCH, token, _TYPES)
    assert caught.value.code is ErrorCode.INVALID_PARAMETER_VALUE
    assert caught.value.message.startswith("Invalid page token, ")
