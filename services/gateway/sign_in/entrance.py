"""Redirects browsers without a token to the sign-in page.

An ended session of an open page is noticed by the page's next request, which gets 401 with MLflow's JSON error. The
next navigation, such as a reload, leads to the sign-in page and back.
"""

from aiohttp.web import BaseRequest, StreamResponse

from services.gateway.auth.callers import Authenticator
from services.gateway.auth.credentials import token_digest
from services.gateway.auth.own_pages import is_navigation, is_of_browser
from services.gateway.auth.refusals import AccessRefused
from services.gateway.http.routing import Handler, Parameters
from services.gateway.sign_in.targets import to_sign_in
from shared.contracts.errors import DomainError, ErrorCode

UI_TOKEN = "mlflow-request-header-Authorization"  # noqa: S105  # The name of a cookie.
"""A cookie with a token, which MLflow's UI turns into a header of its requests."""


def behind_sign_in(page: Handler, authenticate: Authenticator) -> Handler:
    """Return a page's handler that redirects to the sign-in page if a token is required and the browser has none."""

    async def handle(request: BaseRequest, parameters: Parameters) -> StreamResponse:
        if _needs_page(request) and UI_TOKEN not in request.cookies:
            try:
                await authenticate(request)
            except AccessRefused as refused:
                # A user who is signed in and may not read here gets the page, which says so.
                if refused.code is ErrorCode.UNAUTHENTICATED:
                    return to_sign_in(request)
            except DomainError:
                pass  # The page itself says that the server is not available now.
        return await page(request, parameters)

    return handle


def for_browser(request: BaseRequest, refused: StreamResponse) -> StreamResponse:
    """Return the answer in the place of a 401. A browser's navigation is redirected to the sign-in page.

    A challenge would open the browser's own dialog in front of the UI. A browser that sends a user name and a password
    already has used that dialog, and gets it again.
    """
    if not is_of_browser(request) or token_digest(request) is not None:
        return refused
    if is_navigation(request):
        return to_sign_in(request)
    refused.headers.popall("WWW-Authenticate", None)
    return refused


def _needs_page(request: BaseRequest) -> bool:
    return is_navigation(request) and token_digest(request) is None
