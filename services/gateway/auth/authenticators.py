"""The authenticators of the two mounts, and of routes that belong to no project.

At MLflow's mount, the root, a header may name a workspace. At GitLab's mount the path names the project.

An anonymous request in open mode costs a dictionary look-up. A request with a token costs a digest and a
look-up among the remembered grants.
"""

from dataclasses import replace

from aiohttp.web import BaseRequest

from services.gateway.auth.authorizations import Authorizations, is_root
from services.gateway.auth.callers import PROJECT, Authenticator, Caller, Mount
from services.gateway.auth.credentials import token_digest
from services.gateway.auth.failures import Failures
from services.gateway.auth.grants import Grant, no_token
from services.gateway.auth.mode import Mode
from services.gateway.auth.permissions import Permission
from services.gateway.auth.workspaces import refuse_workspace, workspace_of
from services.gateway.dialects.gitlab import GITLAB
from services.gateway.dialects.mlflow import MLFLOW
from shared.contracts.access import TokenState
from shared.contracts.errors import DomainError
from shared.contracts.root_project import ROOT_PATH, ROOT_PROJECT

ANONYMOUS = Caller(ROOT_PROJECT, project_path=ROOT_PATH)


class Authenticators:
    """Makes the authenticator of each route."""

    def __init__(self, authorizations: Authorizations, failures: Failures, mode: Mode) -> None:
        self._authorizations = authorizations
        self._failures = failures
        self._known = authorizations.known
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
        """Forget all grants after a change by this gateway, whose effect is then visible before its event arrives."""
        self._authorizations.forget()

    async def _ask_grant(
        self, request: BaseRequest, digest: str, project: str, workspace: str = ""
    ) -> Grant:
        """Return the grant of a token that is not known to be valid.

        Raises DomainError, also if too many invalid tokens came from this address.
        """
        # The failure is counted first and taken back later, so that simultaneous guesses can't exceed the limit.
        self._failures.expect(request)
        try:
            grant = await self._authorizations.grant(digest, project, workspace)
        except DomainError:
            self._failures.excuse(request)
            raise
        if grant.state is TokenState.ACTIVE:
            self._failures.excuse(request)
        return grant

    def of_user(
        self,
        scopes: frozenset[str],
        *,
        allow_revoked: bool = False,
        allow_anonymous: bool = False,
    ) -> Authenticator:
        """Return the authenticator of a route that belongs to no project.

        Such a route requires a token, in open mode, too. With ``allow_revoked`` a revoked token, and with
        ``allow_anonymous`` a missing one, makes the caller anonymous instead of raising AccessRefused.
        """

        async def authenticate(request: BaseRequest) -> Caller:
            digest = token_digest(request)
            if digest is None:
                if allow_anonymous:
                    return ANONYMOUS
                raise no_token()
            grant = self._known(digest, "") or await self._ask_grant(request, digest, "")
            if allow_revoked and grant.state is TokenState.REVOKED:
                return ANONYMOUS
            grant.check_token(scopes)
            return replace(grant.caller, project=ROOT_PROJECT)

        return authenticate

    def _authenticator_at_root(self, permission: Permission) -> Authenticator:
        async def authenticate(request: BaseRequest) -> Caller:
            digest, workspace = token_digest(request), workspace_of(request)
            if digest is None:
                if self.open and not workspace:
                    return ANONYMOUS
                raise no_token()
            grant = self._known(digest, "", workspace) or await self._ask_grant(
                request, digest, "", workspace
            )
            grant.check(permission, workspace)
            return grant.caller

        return authenticate

    def _authenticator_in_project(self, permission: Permission) -> Authenticator:
        async def authenticate(request: BaseRequest) -> Caller:
            refuse_workspace(request)
            digest, project = token_digest(request), request[PROJECT]
            if digest is None:
                if self.open and is_root(project):
                    return ANONYMOUS
                raise no_token()
            grant = self._known(digest, project) or await self._ask_grant(request, digest, project)
            grant.check(permission)
            return grant.caller

        return authenticate
