"""The handlers of the sign-in pages: sign in, the account, sign out."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from http import HTTPStatus
from importlib.resources import files

from aiohttp.web import BaseRequest, Response

from services.gateway.auth.authenticators import Authenticators
from services.gateway.auth.callers import Caller
from services.gateway.auth.permissions import READ_SCOPES
from services.gateway.auth.refusals import AccessRefused
from services.gateway.auth.session_cookies import FORM, SESSION, new_secret
from services.gateway.dialects.mlflow import MLFLOW
from services.gateway.dialects.refusal import RETRY_AFTER_SECONDS, HttpError, status_of
from services.gateway.http.forward import error_response
from services.gateway.http.requests import read_request_id
from services.gateway.http.routing import Handler, Parameters
from services.gateway.service_client import ServiceClient
from services.gateway.settings import Settings
from services.gateway.sign_in import pages
from services.gateway.sign_in.forms import check_form, form_token, read_form
from services.gateway.sign_in.targets import (
    ACCOUNT,
    SIGN_IN,
    SIGN_OUT,
    UI,
    from_sign_in,
    see_other,
    target_of,
    to_sign_in,
)
from shared.contracts.errors import DomainError, ErrorCode
from shared.contracts.root_project import ROOT_PROJECT
from shared.contracts.sessions import (
    CreateSession,
    EndSession,
    EndSessions,
    ListSessions,
    SessionsReply,
)
from shared.contracts.token_digests import digest_of
from shared.contracts.workspaces import ListWorkspaces, WorkspacesReply
from shared.messaging.calls import Bus
from shared.messaging.messages import new_id
from shared.runtime import log_context

FORM_SECONDS = 24 * 3600
"""Lifetime of the cookie of a sign-in form. An older form is sent back with a new one."""

HOUR = 3600

FILES = {"/-/sign-in.css": "text/css", "/-/sign-in.js": "text/javascript"}

_ANONYMOUS = Caller(ROOT_PROJECT)

Respond = Callable[[BaseRequest, str], Awaitable[Response]]
"""Returns the answer to a request with this id. Raises DomainError."""


class SignIn:
    """Makes the handlers."""

    def __init__(self, authenticators: Authenticators, bus: Bus, settings: Settings) -> None:
        self._authenticators = authenticators
        self._cookies = authenticators.cookies
        self._bus = bus
        self._timeout = settings.request_timeout
        self._body_timeout = settings.http.body_timeout
        self._session_seconds = max(1, round(settings.http.session_hours * HOUR))
        self._authenticate = authenticators.of_user(READ_SCOPES, allow_session=True)

    def routes(self) -> Iterator[tuple[str, str, Handler]]:
        """Yield the method, path and handler of each route."""
        yield "GET", SIGN_IN, _handler(self._show_form)
        yield "POST", SIGN_IN, _handler(self._sign_in)
        yield "GET", ACCOUNT, _handler(self._show_account)
        yield "POST", SIGN_OUT, _handler(self._sign_out)
        for path, media_type in FILES.items():
            content = (files(__package__) / path.rpartition("/")[2]).read_bytes()
            yield "GET", path, _file(content, media_type)

    async def _show_form(self, request: BaseRequest, _request_id: str) -> Response:
        to = target_of(request.query.get("to", UI))
        secret = self._cookies.read(request, SESSION)
        if secret is not None:
            try:
                caller = await self._authenticate(request)
            except AccessRefused:
                pass
            else:
                return pages.signed_in_page(to, caller.username, form_token(secret))
        return self._form(request, to)

    def _form(self, request: BaseRequest, to: str, error: DomainError | None = None) -> Response:
        """Return the page with a form for this browser, which gets a cookie if it has none."""
        secret = self._cookies.read(request, FORM) or new_secret()
        response = pages.sign_in_page(
            to,
            form_token(secret),
            is_open=self._authenticators.open,
            error=error.message if error else "",
            status=status_of(error) if error else 200,
        )
        self._cookies.write(request, response, FORM, secret, FORM_SECONDS)
        return response

    async def _sign_in(self, request: BaseRequest, request_id: str) -> Response:
        form = await read_form(request, self._body_timeout)
        to = target_of(form.get("to", UI))
        try:
            check_form(form, self._cookies.read(request, FORM))
            secret = await self._create_session(request, form.get("token", "").strip(), request_id)
        except DomainError as error:
            return _with_headers(self._form(request, to, error), error)
        response = see_other(from_sign_in(to))
        self._cookies.write(request, response, SESSION, secret, self._session_seconds)
        self._cookies.write(request, response, FORM, "", 0)
        return response

    async def _create_session(self, request: BaseRequest, token: str, request_id: str) -> str:
        """Make a session, and end the one that the browser had. Returns the cookie's secret. Raises DomainError."""
        digest, secret = digest_of(token), new_secret()
        caller = await self._authenticators.check_token(request, digest)
        services = self._services(caller, request_id)
        await services.send(
            CreateSession(
                token_digest=digest, new_digest=digest_of(secret), seconds=self._session_seconds
            )
        )
        if former := self._cookies.session_digest(request):
            await services.send(EndSession(session_digest=former))
        return secret

    async def _show_account(self, request: BaseRequest, request_id: str) -> Response:
        try:
            caller = await self._authenticate(request)
        except AccessRefused as refused:
            if refused.code is not ErrorCode.UNAUTHENTICATED:
                raise
            return to_sign_in(request)
        services = self._services(caller, request_id)
        workspaces = await services.send(ListWorkspaces())
        own = self._cookies.session_digest(request) or ""
        sessions = await services.send(ListSessions(own_digest=own))
        secret = self._cookies.read(request, SESSION)
        return pages.account_page(
            pages.Account(
                username=caller.username,
                may_write="api" in caller.scopes,
                workspaces=WorkspacesReply.model_validate_json(workspaces).workspaces,
                sessions=SessionsReply.model_validate_json(sessions).sessions,
                form=form_token(secret) if secret else "",
            )
        )

    async def _sign_out(self, request: BaseRequest, request_id: str) -> Response:
        form = await read_form(request, self._body_timeout)
        secret = self._cookies.read(request, SESSION)
        if secret is not None:
            check_form(form, secret)
            await self._end(request, secret, form, request_id)
            self._authenticators.forget()
        response = see_other(SIGN_IN.rpartition("/")[2])
        self._cookies.write(request, response, SESSION, "", 0)
        return response

    async def _end(
        self, request: BaseRequest, secret: str, form: Mapping[str, str], request_id: str
    ) -> None:
        if "everywhere" in form:
            try:
                caller = await self._authenticate(request)
            except AccessRefused:
                return  # The session has ended already, so its user is unknown.
            await self._services(caller, request_id).send(EndSessions())
        # A session whose user is blocked, or whose token has other scopes by now, ends as well.
        services = self._services(_ANONYMOUS, request_id)
        await services.send(EndSession(session_digest=digest_of(secret)))

    def _services(self, caller: Caller, request_id: str) -> ServiceClient:
        return ServiceClient(self._bus, caller, MLFLOW.name, request_id, self._timeout)


def _handler(respond: Respond) -> Handler:
    """Return a handler that shows refusals as a page."""

    async def handle(request: BaseRequest, _parameters: Parameters) -> Response:
        request_id = read_request_id(request.headers, new_id().hex)
        log_context.request_id.set(request_id)
        try:
            response = await respond(request, request_id)
        except DomainError as error:
            response = _with_headers(pages.error_page(error.message, status_of(error)), error)
        except Exception as error:
            return error_response(error, request, request_id, MLFLOW)
        response.headers["X-Request-Id"] = request_id
        return response

    return handle


def _with_headers(response: Response, error: DomainError) -> Response:
    """Add the headers of an error to its page, such as ``Retry-After``."""
    if wait := RETRY_AFTER_SECONDS.get(HTTPStatus(response.status)):
        response.headers["Retry-After"] = wait
    if isinstance(error, HttpError):
        response.headers.update(error.headers)
    return response


def _file(content: bytes, media_type: str) -> Handler:
    headers = {**pages.HEADERS, "Cache-Control": "no-cache"}

    async def handle(_request: BaseRequest, _parameters: Parameters) -> Response:
        return Response(body=content, content_type=media_type, charset="utf-8", headers=headers)

    return handle
