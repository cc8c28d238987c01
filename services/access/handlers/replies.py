"""Converts rows to replies. GitLab sends null fields, so they are not left out."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TypeVar

from asyncpg import Record
from pydantic import BaseModel

from services.access.actors import Actor
from services.access.policy import Role
from services.access.store.groups import FoundGroup
from services.access.store.members import FoundMember
from services.access.store.pages import PageOf
from services.access.store.tokens import FoundToken
from services.access.store.users import FoundUser
from shared.contracts import projects as p
from shared.contracts.accounts import BasicUser, Group, Page, Paged, User
from shared.contracts.members import Member
from shared.contracts.tokens import Token

T = TypeVar("T")


def one(reply: BaseModel) -> bytes:
    """Return an object's JSON, with its null fields."""
    return reply.model_dump_json().encode()


def page(query: Paged, found: PageOf[T], show: Callable[[T], BaseModel]) -> bytes:
    """Return a page as JSON (``shared.contracts.accounts.Page``). The gateway turns it into a list and headers."""
    items = [show(item).model_dump() for item in found.items]
    return one(Page(items=items, total=found.total, page=query.page, per_page=query.limit))


def iso_time(milliseconds: int) -> str:
    """Return a time as GitLab writes it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_date(value: date | None) -> str | None:
    """Return a date as GitLab writes it."""
    return value.isoformat() if value else None


def user(found: FoundUser) -> User:
    """Return a user as administrators and the user itself see it."""
    return User(
        id=found.user_id,
        username=found.username,
        name=found.name,
        state=found.state,
        email=found.email,
        is_admin=found.is_admin,
        bot=found.is_bot,
        created_at=iso_time(found.creation_time),
    )


def user_to(actor: Actor, others: type[BasicUser]) -> Callable[[FoundUser], BasicUser]:
    """Return a function that shows a user to ``actor``.

    Administrators see all fields of every user, and each user sees its own. For other users ``others`` has the
    fields.
    """

    def show(found: FoundUser) -> BasicUser:
        whole = user(found)
        if actor.is_admin or actor.user_id == found.user_id:
            return whole
        return others.model_validate(whole.model_dump())

    return show


def group(found: FoundGroup) -> Group:
    """Return a group's reply."""
    return Group(
        id=found.namespace_id,
        name=found.name,
        path=found.path,
        full_path=found.full_path,
        full_name=found.full_name,
        description=found.description,
        visibility=found.visibility,
        parent_id=found.parent_id,
        created_at=iso_time(found.creation_time),
    )


def member(found: FoundMember) -> Member:
    """Return a member's reply."""
    return Member(
        id=found.user_id,
        username=found.username,
        name=found.name,
        state=found.state,
        access_level=found.access_level,
        created_at=iso_time(found.creation_time),
        expires_at=iso_date(found.expires_at),
    )


def token(found: FoundToken, today: date) -> Token:
    """Return a token's reply. It has no text: only the digest is stored."""
    return Token(
        id=found.token_id,
        name=found.name,
        description=found.description,
        revoked=found.revocation_time is not None,
        active=found.is_active(today),
        scopes=list(found.scopes),
        user_id=found.user_id,
        created_at=iso_time(found.creation_time),
        last_used_at=iso_time(found.last_used_time) if found.last_used_time else None,
        expires_at=iso_date(found.expires_at),
        access_level=found.access_level,
    )


def project(row: Record) -> p.ProjectReply:
    """Return the reply of a row of ``read_projects``."""
    namespace = p.Namespace(
        id=row["namespace_id"],
        name=row["namespace_name"],
        path=row["namespace_path"],
        kind="group" if row["owner_id"] is None else "user",
        full_path=row["namespace_full_path"],
        parent_id=row["parent_id"],
    )
    permissions = p.Permissions(
        project_access=_level(row["own_level"]), group_access=_level(row["group_level"])
    )
    return p.ProjectReply(
        id=row["project_id"],
        description=row["description"],
        name=row["name"],
        name_with_namespace=f"{row['namespace_full_name']} / {row['name']}",
        path=row["path"],
        path_with_namespace=row["full_path"],
        created_at=iso_time(row["creation_time"]),
        last_activity_at=iso_time(row["last_updated_time"]),
        namespace=namespace,
        visibility=row["visibility"],
        creator_id=row["creator_id"],
        model_experiments_access_level=row["model_experiments_access_level"],
        model_registry_access_level=row["model_registry_access_level"],
        permissions=permissions,
    )


def _level(level: int | None) -> p.AccessLevelOf | None:
    return p.AccessLevelOf(access_level=Role(level)) if level else None
