"""Conditional and partial requests: which headers go to the storage, and in which form."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_TAGS = re.compile(rf"\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG}){{0,99}}")
_DATE = "%a, %d %b %Y %H:%M:%S GMT"
"""The form that HTTP prescribes; two older ones may be read, and need not be."""

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
"""What a value must be for the storage to see it: it refuses others, where HTTP has them ignored (RFC 9110, 13.1)."""


def single_range(value: str | None) -> str | None:
    """Return a Range header that asks for one range of bytes, else None.

    A server may ignore any other (RFC 9110, 14.2), and S3 has no answers of several ranges.
    """
    if value is None or not (match := _ONE_RANGE.fullmatch(value.strip())):
        return None
    first, _, last = match[1].partition("-")
    if first and last and int(last) < int(first):
        return None
    return f"bytes={match[1]}"


def storage_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what of a request's headers the storage must see.

    ``If-Range`` becomes ``If-Match``: some servers (SeaweedFS) ignore the former and would answer
    with a part of another version. If it doesn't match, ``without_range`` asks for the whole.
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
        return kept  # A date is too coarse to build on, so the whole is sent.
    return kept | {"Range": wanted, "If-Match": version}


def without_range(headers: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str] | None:
    """Return what to ask for instead when ``If-Range`` did not match; None where it isn't that."""
    if "If-Range" not in headers or "Range" not in sent:
        return None
    return {name: value for name, value in sent.items() if name not in ("Range", "If-Match")}
