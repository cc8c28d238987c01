"""The sender of a message, and the permission checks of handlers.

The gateway has checked the token and its scopes; the envelope has the user's id. State and roles are read from the
database for each message, so a blocked user or a removed role counts at once.
"""

from dataclasses import dataclass
from datetime import date

from services.access.dates import current_date
from services.access.policy import CallerRole, Role, sees
from services.access.store import authorize, groups, users
from services.access.store.authorize import FoundProject
from services.access.store.groups import FoundGroup
from services.access.store.members import Source
from shared.contracts.errors import DomainError, ErrorCode, missing_resource
from shared.contracts.members import SourceReference
from shared.postgres.transaction import Transaction

ANONYMOUS_ID = 0
"""User id of an anonymous caller; no user has it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who sent a message, and the current day; or an anonymous caller, who sees public entities."""

    user_id: int
    is_admin: bool
    is_bot: bool
    today: date

    @classmethod
    async def authenticated(cls, tx: Transaction) -> "Actor":
        """Return the sender of a message. Raises DomainError(UNAUTHENTICATED) for an anonymous caller."""
        number = tx.envelope.user_id
        user = None if number is None else await users.find(tx, number)
        if user is None or user.state != "active":
            raise DomainError(ErrorCode.UNAUTHENTICATED, "401 Unauthorized")
        return cls(user.user_id, user.is_admin, user.is_bot, await current_date(tx))

    @classmethod
    async def or_anonymous(cls, tx: Transaction) -> "Actor":
        """Return the sender of a message, which may be an anonymous caller."""
        if tx.envelope.user_id is None:
            return cls(ANONYMOUS_ID, is_admin=False, is_bot=False, today=await current_date(tx))
        return await cls.authenticated(tx)

    def with_role(self, role: Role) -> CallerRole:
        """Return the actor as a caller with ``role`` in a project or group."""
        return CallerRole(self.user_id != ANONYMOUS_ID, self.is_admin, role)

    def require_admin(self) -> None:
        """Raise DomainError(PERMISSION_DENIED) unless the actor is an administrator."""
        if not self.is_admin:
            raise forbidden()


@dataclass(frozen=True, slots=True)
class SourceAccess:
    """A project or group that is visible to the actor, and the actor's role in it."""

    actor: Actor
    source: Source
    role: Role

    def require(self, role: Role) -> None:
        """Raise DomainError(PERMISSION_DENIED) unless the actor has at least this role."""
        if self.role < role:
            raise forbidden()

    def require_management(self, level: int = Role.NONE) -> None:
        """Require the right to manage members and tokens: Maintainer in a project, Owner in a group.

        Raises DomainError(PERMISSION_DENIED), also if ``level`` is above the actor's role: Maintainers can't give or
        take roles above their own.
        """
        self.require(Role.OWNER if self.is_group else Role.MAINTAINER)
        if level > self.role:
            raise forbidden()

    @property
    def is_group(self) -> bool:
        """Whether this is a group and not a project."""
        return self.source.project_id is None


async def find_source(tx: Transaction, actor: Actor, reference: SourceReference) -> SourceAccess:
    """Return a project or group. Raises DomainError(RESOURCE_DOES_NOT_EXIST) if the actor can't see it."""
    if reference.source_kind == "group":
        group = await find_group(tx, actor, reference.source)
        source = Source(group.namespace_id, None)
        return SourceAccess(actor, source, Role.OWNER if actor.is_admin else group.role)
    project = await find_project(tx, actor, reference.source)
    source = Source(project.namespace_id, project.project_id)
    return SourceAccess(actor, source, Role.OWNER if actor.is_admin else project.role)


async def find_project(tx: Transaction, actor: Actor, reference: str) -> FoundProject:
    """Return a project, by its number or its full path. Raises DomainError if the actor can't see it."""
    project = await authorize.find_project(tx, reference, actor.user_id, actor.today)
    if project is None or not sees(actor.with_role(project.role), project.settings.visibility):
        raise missing_resource("404 Project Not Found")
    return project


async def find_group(tx: Transaction, actor: Actor, reference: str) -> FoundGroup:
    """Return a group, by its number or its full path. Raises DomainError if the actor can't see it."""
    return _seen(actor, await groups.find(tx, reference, actor.user_id, actor.today))


async def find_group_at(tx: Transaction, actor: Actor, path: str) -> FoundGroup:
    """Return a group, by its full path alone. Raises DomainError if the actor can't see it."""
    return _seen(actor, await groups.find_at(tx, path, actor.user_id, actor.today))


def _seen(actor: Actor, group: FoundGroup | None) -> FoundGroup:
    if group is None or not sees(actor.with_role(group.role), group.visibility):
        raise missing_resource("404 Group Not Found")
    return group


def forbidden(reason: str = "") -> DomainError:
    """Return GitLab's error for a known caller without the permission."""
    said = f"403 Forbidden - {reason}" if reason else "403 Forbidden"
    return DomainError(ErrorCode.PERMISSION_DENIED, said)
