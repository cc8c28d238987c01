"""Users and groups: the part of GitLab's REST API that Warren supports.

The caller is not in these messages but in the envelope: its ``user_id`` comes from a checked token. Times are ISO
8601 in UTC with milliseconds, as GitLab writes them. Expiry dates are dates.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from shared.contracts.message import Command, Int64, Query, Required, Wire

Name = Annotated[str, StringConstraints(min_length=1, max_length=255, strip_whitespace=True)]
Path = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=255,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_]$|^[A-Za-z0-9_]$",
    ),
]
"""One segment of a path. As in GitLab, it neither begins nor ends with a dot or a dash."""

Description = Annotated[str, StringConstraints(max_length=2000)]
VisibilityLevel = Literal["private", "internal", "public"]
MOST_A_PAGE = 100


class Paged(Query):
    """A query for one page of a list."""

    service = "access"
    page: Annotated[Int64, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[Int64, Field(ge=1)] = 20

    @property
    def limit(self) -> int:
        """The number of items on a page. As in GitLab, a ``per_page`` above the maximum means the maximum."""
        return min(self.per_page, MOST_A_PAGE)

    @property
    def offset(self) -> int:
        """The number of items before this page."""
        return (self.page - 1) * self.limit


class Page(Wire):
    """A page of a list; ``total`` counts the items of all pages."""

    items: list[dict[str, Any]]
    total: int
    page: int
    per_page: int


class BasicUser(Wire):
    """A user in other users' lists: GitLab's ``UserBasic``."""

    id: int
    username: str
    name: str
    state: str
    web_url: str = ""
    avatar_url: str | None = None


class OthersUser(BasicUser):
    """A user as other users see it: GitLab's ``User``."""

    bot: bool = False
    created_at: str


class User(OthersUser):
    """A user as administrators and the user itself see it."""

    email: str = ""
    is_admin: bool = False


class GetUser(Query):
    """Return a user; without ``user_id``, the caller."""

    service = "access"
    user_id: Int64 | None = None


class ListUsers(Paged):
    """List users. The bot users that hold tokens of projects and groups are left out."""

    username: str | None = None
    search: str | None = None


class CreateUser(Command):
    """Create a user without any role. Only administrators may do this."""

    service = "access"
    username: Path
    name: Name | None = None
    email: Annotated[str, StringConstraints(max_length=255)] = ""
    admin: bool = False


class SetUserState(Command):
    """Block or unblock a user. Only administrators may do this."""

    service = "access"
    user_id: Int64
    state: Literal["active", "blocked"]


class BlockUser(SetUserState):
    """Block a user: none of the user's tokens is valid any more."""

    state: Literal["active", "blocked"] = "blocked"


class UnblockUser(SetUserState):
    """Unblock a user."""

    state: Literal["active", "blocked"] = "active"


class Group(Wire):
    """A group."""

    id: int
    name: str
    path: str
    full_path: str
    full_name: str
    description: str
    visibility: str
    parent_id: int | None
    created_at: str
    web_url: str = ""


class ListGroups(Paged):
    """List the groups that the caller may see."""

    search: str | None = None


class GetGroup(Query):
    """Return a group."""

    service = "access"
    group: Required


class CreateGroup(Command):
    """Create a group. The caller becomes its Owner."""

    service = "access"
    name: Name
    path: Path
    parent_id: Int64 | None = None
    description: Description = ""
    visibility: VisibilityLevel = "private"
