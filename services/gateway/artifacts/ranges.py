"""Conditional and partial requests: which headers go to the storage, and in which form."""

import re
from collections.abc import Mapping

_CONDITIONS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
_ONE_RANGE = re.compile(r"bytes=(\d{1,19}-\d{0,19}|-\d{1,19})", re.ASCII)
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')


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
    kept = {name: headers[name] for name in _CONDITIONS if name in headers}
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
