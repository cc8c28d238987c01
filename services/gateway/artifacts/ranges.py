"""Selects the headers of conditional and partial requests that go to the storage."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_TAGS = re.compile(rf"\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG}){{0,99}}")
_DATE = "%a, %d %b %Y %H:%M:%S GMT"
"""The date format that HTTP prescribes. A server need not accept the two older formats."""

_ONE_RANGE = re.compile(r"bytes=(\d{1,19}-\d{0,19}|-\d{1,19})", re.ASCII)
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')


def _is_tags(value: str) -> bool:
    return _TAGS.fullmatch(value) is not None


def _is_date(value: str) -> bool:
    try:
        datetime.strptime(value, _DATE).replace(tzinfo=UTC)
    except ValueError:
        return False
    return value.isascii()


_CONDITIONS: Mapping[str, Callable[[str], bool]] = {
    "If-Match": _is_tags,
    "If-None-Match": _is_tags,
    "If-Modified-Since": _is_date,
    "If-Unmodified-Since": _is_date,
}
"""Tests of header values. Invalid ones do not go to the storage, which refuses them: HTTP wants them ignored
(RFC 9110, 13.1)."""


def single_range(value: str | None) -> str | None:
    """Return the Range header if it asks for one range of bytes, otherwise None.

    A server may ignore all others (RFC 9110, 14.2), and S3 can't answer with several ranges.
    """
    if value is None or not (match := _ONE_RANGE.fullmatch(value.strip())):
        return None
    first, _, last = match[1].partition("-")
    if first and last and int(last) < int(first):
        return None
    return f"bytes={match[1]}"


def storage_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a request that go to the storage.

    ``If-Range`` becomes ``If-Match``, because some servers (SeaweedFS) ignore ``If-Range`` and would answer
    with a part of another version. If it does not match, ``without_range`` gives the headers for the whole artifact.
    """
    kept = {
        name: value
        for name, is_condition in _CONDITIONS.items()
        if (value := headers.get(name, "").strip()) and is_condition(value)
    }
    wanted = single_range(headers.get("Range"))
    version = headers.get("If-Range")
    if wanted is None:
        return kept
    if version is None:
        return kept | {"Range": wanted}
    if not _STRONG_ETAG.fullmatch(version):
        return kept  # A date is too coarse to identify a version, so the whole artifact is sent.
    return kept | {"Range": wanted, "If-Match": version}


def without_range(headers: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str] | None:
    """Return the headers for the whole artifact after ``If-Range`` did not match; None if there was no ``If-Range``."""
    if "If-Range" not in headers or "Range" not in sent:
        return None
    return {name: value for name, value in sent.items() if name not in ("Range", "If-Match")}
