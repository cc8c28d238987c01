"""The authenticators of the two mounts, and of routes that belong to no project.

At MLflow's mount, the root, a header may name a workspace. At GitLab's mount the path names the project.

A request is authenticated by a token or, if it has none, by the cookie of a session. Browsers send cookies by
themselves. So in open mode a session that has ended, or whose cookie another page has made the browser send, counts as
none.

An anonymous request in open mode costs a dictionary look-up. A request with a token costs a digest and a
look-up among the remembered grants.
"""

from dataclasses import replace

from aiohttp.web import BaseRequest

from services.gateway.auth.authorizations import Authorizations, Key, is_root
from services.gateway.auth.callers import PROJECT, Authenticator, Caller, Mount
from services.gateway.auth.credentials import PRIVATE_TOKEN, Credential, token_digest
from services.gateway.auth.failures import Failures
from services.gateway.auth.grants import Grant, foreign_page, no_session, no_token
from services.gateway.auth.mode import Mode
from services.gateway.auth.own_pages import is_from_own_page, is_of_browser
from services.gateway.auth.permissions import READ_SCOPES, Permission
from services.gateway.auth.refusals import AccessRefused
from services.gateway.auth.session_cookies import SessionCookies
from services.gateway.auth.workspaces import WORKSPACE, refuse_workspace, workspace_of
from services.gateway.dialects.gitlab import GITLAB
from services.gateway.dialects.mlflow import MLFLOW
from shared.contracts.access import TokenState
from shared.contracts.errors import DomainError
from shared.contracts.root_project import ROOT_PATH, ROOT_PROJECT

ANONYMOUS = Caller(ROOT_PROJECT, project_path=ROOT_PATH)


class Authenticators:
    """Makes the authenticator of each route."""

    def __init__(
        self,
        authorizations: Authorizations,
        failures: Failures,
        cookies: SessionCookies,
        mode: Mode,
    ) -> None:
        self._authorizations = authorizations
        self._failures = failures
        self._known = authorizations.known
        self.cookies = cookies
        self.open = mode == "open"

    @property
    def root(self) -> Mount:
        """The mount at the root, for MLflow clients that name no project."""
        return Mount(self._authenticator_at_root, MLFLOW)

    @property
    def by_project(self) -> Mount:
        """The mount under ``/api/v4/projects/<project>``."""
        return Mount(self._authenticator_in_project, GITLAB)

    def forget(self) -> None:
        """Forget all grants after a change by this gateway, so that it counts before its event arrives."""
        self._authorizations.forget()

    async def check_token(self, request: BaseRequest, digest: str) -> Caller:
        """Return the owner of a token with which someone signs in.

        Raises AccessRefused for a token that can't even read, and DomainError as the authenticators do.
        """
        key = Key(digest, "")
        grant = self._known(key) or await self._ask_grant(request, key)
        grant.check_token(READ_SCOPES)
        return grant.caller

    def of_user(
        self,
        scopes: frozenset[str],
        *,
        allow_revoked: bool = False,
        allow_anonymous: bool = False,
        allow_session: bool = False,
    ) -> Authenticator:
        """Return the authenticator of a route that belongs to no project.

        Such a route requires a token, in open mode, too. With ``allow_revoked`` a revoked token, and with
        ``allow_anonymous`` a missing one, makes the caller anonymous instead of raising AccessRefused. Only with
        ``allow_session`` a session counts.
        """
        credential_of = self._credential if allow_session else _token

        async def authenticate(request: BaseRequest) -> Caller:
            grant = await self._grant(request, credential_of(request), "")
            if grant is None:
                if allow_anonymous:
                    return ANONYMOUS
                raise _no_credentials(request)
            if allow_revoked and grant.state is TokenState.REVOKED:
                return ANONYMOUS
            grant.check_token(scopes)
            return replace(grant.caller, project=ROOT_PROJECT)

        return authenticate

    def _authenticator_at_root(self, permission: Permission) -> Authenticator:
        async def authenticate(request: BaseRequest) -> Caller:
            if self.open and is_bare(request):
                return ANONYMOUS
            workspace = workspace_of(request)
            grant = await self._grant(request, self._credential(request), "", workspace)
            if grant is None:
                if self.open and not workspace:
                    return ANONYMOUS
                raise _no_credentials(request)
            grant.check(permission, workspace)
            return grant.caller

        return authenticate

    def _authenticator_in_project(self, permission: Permission) -> Authenticator:
        async def authenticate(request: BaseRequest) -> Caller:
            refuse_workspace(request)
            project = request[PROJECT]
            grant = await self._grant(request, self._credential(request), project)
            if grant is None:
                if self.open and is_root(project):
                    return ANONYMOUS
                raise _no_credentials(request)
            grant.check(permission)
            return grant.caller

        return authenticate

    def _credential(self, request: BaseRequest) -> Credential | None:
        """Return a request's credential. Raises AccessRefused for a session in a request of another page."""
        if token := _token(request):
            return token
        digest = self.cookies.session_digest(request)
        if digest is None:
            return None
        if is_from_own_page(request):
            return Credential(digest, is_session=True)
        if self.open:
            return None
        raise foreign_page()

    async def _grant(
        self, request: BaseRequest, credential: Credential | None, project: str, workspace: str = ""
    ) -> Grant | None:
        """Return the grant of a token or a session; None without one, and for a session that has ended.

        Raises DomainError, also if too many invalid tokens came from this address.
        """
        if credential is None:
            return None
        key = Key(credential.digest, project, workspace, credential.is_session)
        grant = self._known(key)
        if grant is None and key.is_session:
            # A page whose session has ended repeats its requests. These are no guesses, so they are not counted.
            grant = self._authorizations.refused(key)
        if grant is None:
            grant = await self._ask_grant(request, key)
        return None if key.is_session and grant.state is TokenState.UNKNOWN else grant

    async def _ask_grant(self, request: BaseRequest, key: Key) -> Grant:
        """Return the grant of a token or session that is not known to be valid.

        Raises DomainError, also if too many invalid tokens came from this address.
        """
        # The failure is counted first and taken back later, so that simultaneous guesses can't exceed the limit.
        self._failures.expect(request)
        try:
            grant = await self._authorizations.grant(key)
        except DomainError:
            self._failures.excuse(request)
            raise
        if grant.state is TokenState.ACTIVE:
            self._failures.excuse(request)
        return grant


def is_bare(request: BaseRequest) -> bool:
    """Return whether a request has nothing that could name a caller or a workspace, as in open mode most have."""
    headers = request.headers
    return not (
        "Authorization" in headers
        or PRIVATE_TOKEN in headers
        or "Cookie" in headers
        or WORKSPACE in headers
        or request.query_string
    )


def _token(request: BaseRequest) -> Credential | None:
    digest = token_digest(request)
    return None if digest is None else Credential(digest)


def _no_credentials(request: BaseRequest) -> AccessRefused:
    return no_session() if is_of_browser(request) else no_token()
