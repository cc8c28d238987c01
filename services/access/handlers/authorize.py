"""Authorization: what the holder of a token may do in a project. Every gateway asks this."""

from collections.abc import Mapping
from datetime import date

from services.access.dates import date_of, milliseconds
from services.access.policy import CallerRole, Role, abilities
from services.access.store import authorize as store
from services.access.store import sessions, workspaces
from services.access.store.authorize import FoundProject, TokenUser
from shared.contracts.access import (
    Authorization,
    Authorize,
    AuthorizeSession,
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
"""Milliseconds between two updates of the last use of a token or session, as in GitLab. Most reads write nothing."""


async def authorize(query: Authorize, tx: Transaction) -> Authorization:
    """Return what the holder of a token may do in a project."""
    reference = query.project or str(ROOT_PROJECT)
    if query.token_digest:
        return await _of_token(query.token_digest, reference, tx)
    now_ms = await database_now(tx.connection)
    found = await store.find_project(tx, reference, None, date_of(now_ms))
    return _answer(None, found, now_ms)


async def authorize_workspace(query: AuthorizeWorkspace, tx: Transaction) -> Authorization:
    """Return what the holder of a token may do in a workspace."""
    return await _of_token(query.token_digest, await _in_workspace(query.workspace, tx), tx)


async def authorize_session(query: AuthorizeSession, tx: Transaction) -> Authorization:
    """Return what the holder of a session may do in a project or a workspace: what its token may.

    A session that has ended is unknown, whatever its token may do.
    """
    digest = _bytes(query.session_digest)
    session = await sessions.find(tx, digest) if digest else None
    now_ms = await database_now(tx.connection)
    if session is None or session.expiry_time <= now_ms:
        return Authorization(state=TokenState.UNKNOWN)
    reference = query.project or str(ROOT_PROJECT)
    if query.workspace:
        reference = await _in_workspace(query.workspace, tx)
    answer = await _of_token(session.token_digest.hex(), reference, tx)
    if answer.state is TokenState.ACTIVE and now_ms - session.last_used_time > USE_NOTED_EVERY:
        await sessions.touch(tx, session.session_id, now_ms)
    left = session.expiry_time - now_ms
    fresh_for = left if answer.fresh_for is None else min(left, answer.fresh_for)
    return answer.model_copy(update={"fresh_for": fresh_for})


async def _in_workspace(name: str, tx: Transaction) -> str:
    """Return the reference of a workspace's project.

    An empty reference finds no project. The answer still has the token's state and user.
    """
    number = await workspaces.number_of(tx, name)
    return "" if number is None else str(number)


async def _of_token(token_digest: str, reference: str, tx: Transaction) -> Authorization:
    now_ms = await database_now(tx.connection)
    today = date_of(now_ms)
    digest = _bytes(token_digest)
    token = await store.find_token_user(tx, digest) if digest else None
    if token is None:
        return Authorization(state=TokenState.UNKNOWN)
    state = _state(token, today)
    if state is not TokenState.ACTIVE:
        return Authorization(state=state, user_id=token.user_id, username=token.username)
    if now_ms - (token.last_used_time or 0) > USE_NOTED_EVERY:
        await store.touch(tx, token.token_id, now_ms)
    found = await store.find_project(tx, reference, token.user_id, today)
    return _answer(token, found, now_ms)


async def locate_project(query: LocateProject, tx: Transaction) -> Project:
    """Return the project with a full path. Raises DomainError if there is none."""
    today = date_of(await database_now(tx.connection))
    found = await store.find_project(tx, query.path, None, today) if "/" in query.path else None
    if found is None:
        raise missing_resource(f"There is no project {query.path}.")
    return Project(id=found.project_id, path=found.full_path, name=found.name)


def _bytes(digest: str) -> bytes | None:
    """Return the bytes of a digest in hex, None if it is malformed. A malformed digest counts as unknown."""
    try:
        return bytes.fromhex(digest)
    except ValueError:
        return None


def _state(token: TokenUser, today: date) -> TokenState:
    """Return the state of a token. If several apply, GitLab's order decides."""
    if token.revoked:
        return TokenState.REVOKED
    if token.expires_at is not None and token.expires_at <= today:
        return TokenState.EXPIRED
    return TokenState.ACTIVE if token.state == "active" else TokenState.BLOCKED


def _answer(token: TokenUser | None, found: FoundProject | None, now_ms: int) -> Authorization:
    caller = CallerRole(
        signed_in=token is not None,
        is_admin=token is not None and token.is_admin,
        role=found.role if found else Role.NONE,
    )
    allowed = abilities(caller, found.settings) if found else []
    ends = [each.expires_at for each in (token, found) if each and each.expires_at]
    return Authorization(
        state=TokenState.ACTIVE,
        user_id=token.user_id if token else 0,
        username=token.username if token else "",
        is_admin=caller.is_admin,
        scopes=token.scopes if token else [],
        project=Project(id=found.project_id, path=found.full_path, name=found.name)
        if found and allowed
        else None,
        abilities=allowed,
        fresh_for=milliseconds(min(ends)) - now_ms if ends else None,
    )


HANDLERS: Mapping[type[Message], Handler[Transaction]] = {
    Authorize: authorize,
    LocateProject: locate_project,
    AuthorizeWorkspace: authorize_workspace,
    AuthorizeSession: authorize_session,
}
