"""Reads the forms of the sign-in pages, and ties each form to the browser that it was made for.

A form has a token in a hidden field, which is a digest of a cookie of the same browser. Another page can make a
browser send a form, but it can't read the cookie, so it does not know the token. No gateway keeps anything for this.
"""

from collections.abc import Mapping
from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp.web import BaseRequest

from services.gateway.auth.own_pages import is_from_own_page
from services.gateway.dialects.refusal import HttpError
from services.gateway.http.requests import BodyLimit, media_type, receive
from shared.contracts.errors import DomainError, ErrorCode, invalid
from shared.contracts.token_digests import digest_of

FORM_TYPE = "application/x-www-form-urlencoded"

MAX_BYTES = 20_000
_MAX_FIELDS = 10

_TOO_OLD = (
    "The form does not belong to this browser's cookies: it is old, or the browser keeps no cookies for this "
    "server. Nothing was done; try again."
)
_FOREIGN = "A page of another server sent the form. Nothing was done; open this server's own page and try again."


def form_token(secret: str) -> str:
    """Return the token of a form for a browser that has this secret in a cookie."""
    return digest_of(f"form:{secret}")


async def read_form(request: BaseRequest, seconds: float) -> Mapping[str, str]:
    """Return the fields of a form that a page of this server has sent within ``seconds``.

    Raises DomainError, and the errors of ``receive``.
    """
    if not is_from_own_page(request):
        raise DomainError(ErrorCode.PERMISSION_DENIED, _FOREIGN)
    if media_type(request) != FORM_TYPE:
        raise invalid(f"Content-Type must be {FORM_TYPE}.")
    too_long = "The form is larger than {limit} bytes."
    body = await receive(request, BodyLimit(MAX_BYTES, too_long, seconds))
    try:
        fields = parse_qsl(body.decode(), max_num_fields=_MAX_FIELDS, keep_blank_values=True)
    except ValueError:
        message = f"The form can't be read: it must be URL-encoded UTF-8 with at most {_MAX_FIELDS} fields."
        raise invalid(message) from None
    return dict(fields)


def check_form(form: Mapping[str, str], secret: str | None) -> None:
    """Raise DomainError unless a form was made for the browser with this secret in a cookie."""
    given = form.get("form", "")
    if secret is None or not compare_digest(given.encode(), form_token(secret).encode()):
        raise HttpError(HTTPStatus.FORBIDDEN, _TOO_OLD, code=ErrorCode.PERMISSION_DENIED)
