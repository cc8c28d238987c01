"""Page tokens belong to one search and hold nothing that the database could refuse."""

import base64
import json

import pytest

from shared.contracts.errors import DomainError
from shared.mlflow.search.max_results import check_max_results
from shared.mlflow.search.page_token import KeyType, Search, decode_token, encode_token

_SEARCH = Search("runs", "", ())


def _forge(*values: object, search: Search = _SEARCH) -> str:
    return base64.urlsafe_b64encode(json.dumps([search.fingerprint, *values]).encode()).decode()


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_means_the_first_page(token: str | None) -> None:
    assert decode_token(_SEARCH, token, [KeyType.INTEGER]) is None


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Search("experiments", "", ()), "Invalid page token, parsed value=['experiments."),
        (
            Search("runs", "metrics.a > 1", ()),
            "Filter string in the page token does not match the requested filter string.",
        ),
        (
            Search("runs", "", ("start_time ASC",)),
            "Order by in the page token does not match the requested order by. Expected: []",
        ),
        (
            Search("runs", "", (), ("7",)),
            "Experiment IDs in the page token do not match the requested experiment IDs.",
        ),
    ],
)
def test_a_token_of_another_search_is_refused(other: Search, message: str) -> None:
    token = encode_token(other, (1,))
    with pytest.raises(DomainError) as caught:
        decode_token(_SEARCH, token, [KeyType.INTEGER])
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "value", [None, 1, "runs", {}, [], [1], ["runs"], ["runs.a.b.c", 1], ["runs....", 1]]
)
def test_what_is_no_token_is_refused(value: object) -> None:
    token = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    with pytest.raises(DomainError, match="page token"):
        decode_token(_SEARCH, token, [KeyType.INTEGER])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**63, KeyType.INTEGER),
        ("1", KeyType.INTEGER),
        (True, KeyType.INTEGER),
        (None, KeyType.INTEGER),
        (float("nan"), KeyType.FLOAT),
        (1, KeyType.FLOAT),
        ("\x00", KeyType.TEXT),
        ("\ud800", KeyType.TEXT),
        (1, KeyType.TEXT),
        ("not a uuid", KeyType.UUID),
    ],
)
def test_a_forged_value_is_refused(value: object, expected: KeyType) -> None:
    with pytest.raises(DomainError, match="Invalid page token, parsed value="):
        decode_token(_SEARCH, _forge(value), [expected])


def test_a_page_holds_a_thousand_unless_told() -> None:
    assert check_max_results(None) == 1000
    assert check_max_results(50_000) == 50_000


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
        (
            -1,
            "Invalid value -1 for parameter 'max_results' supplied. It must be a positive integer",
        ),
        (
            50_001,
            "Invalid value 50001 for parameter 'max_results' supplied. It must be at most 50000",
        ),
    ],
)
def test_max_results_out_of_bounds_is_refused_in_mlflows_words(value: int, message: str) -> None:
    with pytest.raises(DomainError) as caught:
        check_max_results(value)
    assert caught.value.message == message
