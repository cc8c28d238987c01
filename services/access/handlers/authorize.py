"""Authorization: what the holder of a token may do in a project. Every gateway asks this."""

from collections.abc import Mapping
from datetime import date

from services.access.dates import day_of, milliseconds
from services.access.policy import Role, Standing, abilities
from services.access.store import authorize as store
from services.access.store import workspaces
from services.access.store.authorize import Bearer, FoundProject
from shared.contracts.access import (
    Authorization,
    Authorize,
    AuthorizeWorkspace,
    LocateProject,
    Project,
    TokenState,
)
from shared.contracts.errors import missing_resource
from shared.contracts.message import Message
from shared.contracts.root_project import ROOT_PROJECT
from shared.handling.handlers import Handler
from shared.postgres.clock import database_now
from shared.postgres.transaction import Transaction

USE_NOTED_EVERY = 600_000
"""Milliseconds between two updates of a token's last use, as in GitLab. Most reads thus write nothing."""


async def authorize(query: Authorize, tx: Transaction) -> Authorization:
    """Return what the holder of a token may do in a project."""
    reference = query.project or str(ROOT_PROJECT)
    if query.token_digest:
        return await _of_token(query.token_digest, reference, tx)
    moment = await database_now(tx.connection)
    found = await store.find_project(tx, reference, None, day_of(moment))
    return _answer(None, found, moment)


async def authorize_workspace(query: AuthorizeWorkspace, tx: Transaction) -> Authorization:
    """Return what the holder of a token may do in a workspace."""
    number = await workspaces.number_of(tx, query.workspace)
    # An empty reference finds no project. The answer still has the token's state and user.
    return await _of_token(query.token_digest, "" if number is None else str(number), tx)


async def _of_token(token_digest: str, reference: str, tx: Transaction) -> Authorization:
    moment = await database_now(tx.connection)
    day = day_of(moment)
    digest = _bytes(token_digest)
    bearer = await store.find_bearer(tx, digest) if digest else None
    if bearer is None:
        return Authorization(state=TokenState.UNKNOWN)
    state = _state(bearer, day)
    if state is not TokenState.ACTIVE:
        return Authorization(state=state, user_id=bearer.user_id, username=bearer.username)
    if moment - (bearer.last_used_time or 0) > USE_NOTED_EVERY:
        await store.touch(tx, bearer.token_id, moment)
    found = await store.find_project(tx, reference, bearer.user_id, day)
    return _answer(bearer, found, moment)


async def locate_project(query: LocateProject, tx: Transaction) -> Project:
    """Return the project with a full path. Raises DomainError if there is none."""
    day = day_of(await database_now(tx.connection))
    found = await store.find_project(tx, query.path, None, day) if "/" in query.path else None
    if found is None:
        raise missing_resource(f"There is no project {query.path}.")
    return Project(id=found.project_id, path=found.full_path, name=found.name)


def _bytes(digest: str) -> bytes | None:
    """Return the bytes of a digest in hex, None if it is malformed. A malformed digest counts as unknown."""
    try:
        return bytes.fromhex(digest)
    except ValueError:
        return None


def _state(bearer: Bearer, day: date) -> TokenState:
    """Return the state of a token. If several apply, GitLab's order decides."""
    if bearer.revoked:
        return TokenState.REVOKED
    if bearer.expires_at is not None and bearer.expires_at <= day:
        return TokenState.EXPIRED
    return TokenState.ACTIVE if bearer.state == "active" else TokenState.BLOCKED


def _answer(bearer: Bearer | None, found: FoundProject | None, moment: int) -> Authorization:
    standing = Standing(
        signed_in=bearer is not None,
        is_admin=bearer is not None and bearer.is_admin,
        role=found.role if found else Role.NONE,
    )
    allowed = abilities(standing, found.switches) if found else []
    ends = [each.expires_at for each in (bearer, found) if each and each.expires_at]
    return Authorization(
        state=TokenState.ACTIVE,
        user_id=bearer.user_id if bearer else 0,
        username=bearer.username if bearer else "",
        is_admin=standing.is_admin,
        scopes=bearer.scopes if bearer else [],
        project=Project(id=found.project_id, path=found.full_path, name=found.name)
        if found and allowed
        else None,
        abilities=allowed,
        fresh_for=milliseconds(min(ends)) - moment if ends else None,
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    Authorize: authorize,
    LocateProject: locate_project,
    AuthorizeWorkspace: authorize_workspace,
}
