"""Signed URLs for the parts of an upload (AWS Signature Version 4): up to 10,000 that differ in a number.

The SDK signs the first. For more it would derive the day's key for each URL, which takes a second for 10,000.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

_PART = "partNumber="


def sign_parts(first: str, secret_key: str, numbers: Iterable[int]) -> Iterator[str]:
    """Yield a URL for each part number, from the signed PUT URL of part 1."""
    url = urlsplit(first)
    fields = dict(field.split("=", 1) for field in url.query.split("&"))
    del fields["X-Amz-Signature"], fields["partNumber"]
    # The scope is the last four segments: an access key may contain slashes, too.
    scope = "/".join(unquote(fields["X-Amz-Credential"]).split("/")[-4:])
    key = _key(secret_key, scope)
    before, after = _around(fields)
    head = f"PUT\n{url.path}\n{before}"
    tail = f"{after}\nhost:{url.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    stated = f"AWS4-HMAC-SHA256\n{fields['X-Amz-Date']}\n{scope}\n"
    address = f"{url.scheme}://{url.netloc}{url.path}?{before}"
    for number in numbers:
        request = hashlib.sha256(f"{head}{number}{tail}".encode()).hexdigest()
        signature = hmac.digest(key, f"{stated}{request}".encode(), "sha256").hex()
        yield f"{address}{number}{after}&X-Amz-Signature={signature}"


def _around(fields: dict[str, str]) -> tuple[str, str]:
    """Return the query before and after the part's number. A signature needs the fields in sorted order."""
    pairs = sorted(f"{name}={value}" for name, value in fields.items())
    earlier = [pair for pair in pairs if pair < _PART]
    later = [pair for pair in pairs if pair > _PART]
    return "&".join([*earlier, _PART]), "".join(f"&{pair}" for pair in later)


def _key(secret_key: str, scope: str) -> bytes:
    """Return the signing key of a scope: day, region and service, as in ``20260101/us-east-1/s3/aws4_request``."""
    key = b"AWS4" + secret_key.encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key
