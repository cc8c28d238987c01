import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.artifacts.ranges import single_range, storage_headers, without_range


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("bytes=0-9", "bytes=0-9"),
        ("bytes=5-", "bytes=5-"),
        ("bytes=-5", "bytes=-5"),
        (" bytes=0-0 ", "bytes=0-0"),
        ("bytes=9-0", None),
        ("bytes=0-1,5-6", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=٣-٤", None),
        ("lines=0-9", None),
        ("bytes=0-9\r\nX: y", None),
        (None, None),
    ],
)
def test_only_one_range_of_bytes_goes_to_the_storage(given_, kept):
    assert single_range(given_) == kept


@given(st.text())
def test_whatever_is_kept_is_plain(value):
    kept = single_range(value)
    assert kept is None or kept.replace("bytes=", "").replace("-", "").isascii()


def test_conditions_go_along_and_nothing_else():
    headers = {"If-None-Match": '"a"', "Authorization": "secret", "Cookie": "secret", "Range": "x"}
    assert storage_headers(headers) == {"If-None-Match": '"a"'}


DATE = "Wed, 25 Nov 2026 04:13:19 GMT"


@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since"])
@pytest.mark.parametrize(
    ("value", "passes"),
    [
        (DATE, True),
        (f" {DATE} ", True),
        ("", False),
        ("yesterday", False),
        ("2026-11-25", False),
        ("Wed, 99 Nov 2026 04:13:19 GMT", False),
        ("Wed, 25 Nov 2026 04:13:19 +0000", False),
        ("Wed, ٢٥ Nov 2026 04:13:19 GMT", False),
        (f"{DATE}, {DATE}", False),
    ],
)
def test_date_that_is_none_is_no_condition(name, value, passes):
    assert storage_headers({name: value}) == ({name: DATE} if passes else {})


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize(
    ("value", "passes"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"a", W/"b" ,"c"', True),
        ("*", True),
        ("", False),
        ("a", False),
        ('"a', False),
        ('"a" "b"', False),
        ('"\udcff"', False),
        ('"ä"', False),
    ],
)
def test_tag_that_is_none_is_no_condition(name, value, passes):
    assert storage_headers({name: value}) == ({name: value} if passes else {})


def test_range_of_a_version_becomes_a_condition_that_can_be_taken_back():
    headers = {"Range": "bytes=5-", "If-Range": '"a"'}
    sent = storage_headers(headers)
    assert sent == {"Range": "bytes=5-", "If-Match": '"a"'}
    assert without_range(headers, sent) == {}


@pytest.mark.parametrize("version", ['W/"a"', "Wed, 25 Nov 2026 04:13:19 GMT", "a", '"a\nb"'])
def test_range_of_a_version_that_is_not_certain_is_ignored(version):
    assert storage_headers({"Range": "bytes=5-", "If-Range": version}) == {}


def test_failed_condition_of_the_clients_own_is_not_taken_back():
    headers = {"Range": "bytes=5-", "If-Match": '"a"'}
    assert without_range(headers, storage_headers(headers)) is None
