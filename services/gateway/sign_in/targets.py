"""The addresses to which signing in leads back, and the redirects.

All redirects are relative, so that they are right behind any proxy. A relative redirect that begins with a segment
can't leave this server, whatever follows.
"""

import re
from http import HTTPStatus
from urllib.parse import quote

from aiohttp.web import BaseRequest, Response

SIGN_IN = "/-/sign-in"
ACCOUNT = "/-/account"
SIGN_OUT = "/-/sign-out"

UI = "/"

_TARGET = re.compile(r"/(?![/\\])[\x21-\x7e]{0,3999}")
"""A path on this server, with its query and fragment. ``//host`` and ``/\\host`` are addresses of other servers."""


def target_of(text: str) -> str:
    """Return where to go after signing in: ``text`` if it is a path on this server, otherwise the UI."""
    return text if _TARGET.fullmatch(text) and "\\" not in text else UI


def see_other(location: str) -> Response:
    """Return a redirect that the browser follows with GET."""
    headers = {"Location": location, "Cache-Control": "no-store"}
    return Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def from_sign_in(target: str) -> str:
    """Return a path on this server relative to the pages below ``/-/``."""
    return ".." + target


def to_sign_in(request: BaseRequest) -> Response:
    """Return the redirect from a page to the sign-in page, which leads back. Browsers keep the fragment."""
    url = request.rel_url
    up = "../" * (url.raw_path.count("/") - 1)
    query = quote(target_of(url.raw_path_qs), safe="/")
    return see_other(f"{up or './'}{SIGN_IN[1:]}?to={query}")
