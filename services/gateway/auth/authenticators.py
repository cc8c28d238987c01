"""The two doors: MLflow's at the root, where a header may name a workspace, and that of GitLab's projects.

An anonymous request in open mode costs a dictionary look-up; one with a token a digest and a
look-up in what is known of it.
"""

from dataclasses import replace

from aiohttp.web import BaseRequest

from services.gateway.auth.authorizations import Authorizations, is_root
from services.gateway.auth.callers import PROJECT, Authenticate, Caller, Mount
from services.gateway.auth.credentials import presented
from services.gateway.auth.failures import Failures
from services.gateway.auth.grants import Grant, no_token
from services.gateway.auth.mode import Mode
from services.gateway.auth.permissions import Permission
from services.gateway.auth.workspaces import refuse_workspace, workspace_of
from services.gateway.dialects import gitlab, mlflow
from shared.contracts.access import TokenState
from shared.contracts.errors import DomainError
from shared.contracts.root_project import ROOT_PATH, ROOT_PROJECT

ANYONE = Caller(ROOT_PROJECT, project_path=ROOT_PATH)
ANYONE_BY_PROJECT = Caller(ROOT_PROJECT, dialect="gitlab", project_path=ROOT_PATH)


class Authenticators:
    """Makes the door of each route."""

    def __init__(self, authorizations: Authorizations, failures: Failures, mode: Mode) -> None:
        self._authorizations = authorizations
        self._failures = failures
        self._known = authorizations.known
        self.open = mode == "open"

    @property
    def root(self) -> Mount:
        """The way in for plain MLflow clients, who name no project."""
        return Mount(self._authenticate_at_root, mlflow)

    @property
    def by_project(self) -> Mount:
        """The way in under ``/api/v4/projects/<project>``."""
        return Mount(self._authenticate_in_project, gitlab)

    def forget(self) -> None:
        """Ask anew who may do what: this gateway has just had it changed, and need not wait to be told."""
        self._authorizations.forget()

    async def _find_out(
        self, request: BaseRequest, digest: str, project: str, workspace: str = ""
    ) -> Grant:
        """Ask for a token that is not known to be good. Raises DomainError, also if too many were not."""
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
        lets_revoked_in: bool = False,
        lets_anybody_in: bool = False,
    ) -> Authenticate:
        """Make a door to what is not a project's: it takes a token, in most places in open mode, too.

        Who comes with a revoked one, or with none, where those are let in, is nobody.
        """

        async def authenticate(request: BaseRequest) -> Caller:
            digest = presented(request)
            if digest is None:
                if lets_anybody_in:
                    return ANYONE_BY_PROJECT
                raise no_token()
            grant = self._known(digest, "") or await self._find_out(request, digest, "")
            if lets_revoked_in and grant.state is TokenState.REVOKED:
                return ANYONE_BY_PROJECT
            grant.check_token(scopes)
            return replace(grant.caller_by_project, project=ROOT_PROJECT)

        return authenticate

    def _authenticate_at_root(self, permission: Permission) -> Authenticate:
        async def authenticate(request: BaseRequest) -> Caller:
            digest, workspace = presented(request), workspace_of(request)
            if digest is None:
                if self.open and not workspace:
                    return ANYONE
                raise no_token()
            grant = self._known(digest, "", workspace) or await self._find_out(
                request, digest, "", workspace
            )
            grant.check(permission, workspace)
            return grant.caller

        return authenticate

    def _authenticate_in_project(self, permission: Permission) -> Authenticate:
        async def authenticate(request: BaseRequest) -> Caller:
            refuse_workspace(request)
            digest, project = presented(request), request[PROJECT]
            if digest is None:
                if self.open and is_root(project):
                    return ANYONE_BY_PROJECT
                raise no_token()
            grant = self._known(digest, project) or await self._find_out(request, digest, project)
            grant.check(permission)
            return grant.caller_by_project

        return authenticate
