"""Users, and what projects lie in: GitLab's REST API, as far as Warren has it.

Who asks is in the envelope: ``user_id`` is the number of a user whose token was checked. Times are ISO
8601 in UTC, with milliseconds, as GitLab writes them; ends are dates.
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
"""One segment of a path: as in GitLab it neither begins nor ends with a dot or a dash."""

Description = Annotated[str, StringConstraints(max_length=2000)]
VisibilityLevel = Literal["private", "internal", "public"]
MOST_A_PAGE = 100


class Paged(Query):
    """A question whose answer is a page of a list."""

    service = "access"
    page: Annotated[Int64, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[Int64, Field(ge=1)] = 20

    @property
    def limit(self) -> int:
        """How many items a page has; as in GitLab, asking for more gives the most."""
        return min(self.per_page, MOST_A_PAGE)

    @property
    def offset(self) -> int:
        """How many come before."""
        return (self.page - 1) * self.limit


class Page(Wire):
    """A page of a list; ``total`` counts the items of all pages."""

    items: list[dict[str, Any]]
    total: int
    page: int
    per_page: int


class BasicUser(Wire):
    """A user as others find it in a list: GitLab's ``UserBasic``."""

    id: int
    username: str
    name: str
    state: str
    web_url: str = ""
    avatar_url: str | None = None


class OthersUser(BasicUser):
    """A user as others read it: GitLab's ``User``."""

    bot: bool = False
    created_at: str


class User(OthersUser):
    """A user as administrators and the user itself see it."""

    email: str = ""
    is_admin: bool = False


class GetUser(Query):
    """Read a user; without a number the one who asks."""

    service = "access"
    user_id: Int64 | None = None


class ListUsers(Paged):
    """List users, but for the bearers of projects' and groups' tokens."""

    username: str | None = None
    search: str | None = None


class CreateUser(Command):
    """Make a user, who can do nothing yet; only administrators may."""

    service = "access"
    username: Path
    name: Name | None = None
    email: Annotated[str, StringConstraints(max_length=255)] = ""
    admin: bool = False


class SetUserState(Command):
    """Keep a user out, or let the user in again; only administrators may."""

    service = "access"
    user_id: Int64
    state: Literal["active", "blocked"]


class BlockUser(SetUserState):
    """Keep a user out: all tokens of the user stop to count."""

    state: Literal["active", "blocked"] = "blocked"


class UnblockUser(SetUserState):
    """Let a user in again."""

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
    """Read a group."""

    service = "access"
    group: Required


class CreateGroup(Command):
    """Make a group, whose owner is who makes it."""

    service = "access"
    name: Name
    path: Path
    parent_id: Int64 | None = None
    description: Description = ""
    visibility: VisibilityLevel = "private"
