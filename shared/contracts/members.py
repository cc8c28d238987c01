"""Members of projects and groups: GitLab's REST API."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.contracts import limits
from shared.contracts.accounts import Paged
from shared.contracts.message import AtMost, Command, Int64, Query, Required, Wire

ROLES = (10, 15, 20, 30, 40, 50)


def _role(level: int) -> int:
    if level not in ROLES:
        message = "no such role"
        raise ValueError(message)
    return level


AccessLevel = Annotated[Int64, AfterValidator(_role)]
"""Guest 10, Planner 15, Reporter 20, Developer 30, Maintainer 40, Owner 50."""


class SourceReference(Wire):
    """A project or a group, by its number or its full path."""

    source_kind: Literal["project", "group"] = "project"
    source: Required


class Member(Wire):
    """A user's role in a project or group."""

    id: int
    username: str
    name: str
    state: str
    access_level: int
    created_at: str
    expires_at: str | None
    web_url: str = ""
    avatar_url: str | None = None


class ListMembers(Paged, SourceReference):
    """List members; with ``inherited`` also the members of the parent groups."""

    inherited: bool = False
    query: str | None = None
    user_ids: Annotated[list[Int64], AtMost(limits.SMALL_LIST)] = Field(default_factory=list)


class GetMember(Query, SourceReference):
    """Return one member."""

    service = "access"
    inherited: bool = False
    user_id: Int64


class AddMember(Command, SourceReference):
    """Give users a role. ``user_id`` is one number, or several separated by commas."""

    service = "access"
    user_id: Annotated[
        str, Field(pattern=r"^[0-9]{1,18}(,[0-9]{1,18}){0,99}$", coerce_numbers_to_str=True)
    ]
    access_level: AccessLevel
    expires_at: date | None = None


class UpdateMember(Command, SourceReference):
    """Change a member's role or expiry date."""

    service = "access"
    user_id: Int64
    access_level: AccessLevel
    expires_at: date | None = None


class RemoveMember(Command, SourceReference):
    """Remove a member."""

    service = "access"
    user_id: Int64
