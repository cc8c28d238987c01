"""Which abilities follow from a role, a project's visibility and its feature settings.

All of these rules are here, as pure functions. Source: GitLab's ``app/policies/project_policy.rb`` and its page
"Permissions and roles". Where the two differ the policy's code counts (one page lets Reporters change models).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from shared.contracts.access import Ability


class Role(IntEnum):
    """Access levels of members. Each level includes the lower ones."""

    NONE = 0
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


class Visibility(StrEnum):
    """The visibility of a project or a group: to its members, to every signed-in user, or to everyone."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class Feature(StrEnum):
    """Access to a part of a project: for no one, for members, or for everyone who sees the project."""

    DISABLED = "disabled"
    PRIVATE = "private"
    ENABLED = "enabled"


@dataclass(frozen=True, slots=True)
class CallerRole:
    """A caller's role in a project: anonymous, or a user with a role, which may be NONE."""

    signed_in: bool = False
    is_admin: bool = False
    role: Role = Role.NONE

    @property
    def is_member(self) -> bool:
        """Whether the caller is a member of the project. Administrators are members of every project."""
        return self.is_admin or self.role >= Role.GUEST

    def has(self, role: Role) -> bool:
        """Whether the caller has at least this role."""
        return self.is_admin or self.role >= role


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """A project's visibility and feature settings."""

    visibility: Visibility
    model_experiments: Feature
    model_registry: Feature


def abilities(caller: CallerRole, project: ProjectSettings) -> list[Ability]:
    """Return what the caller may do in a project. Without any ability the project looks absent."""
    if not sees(caller, project.visibility):
        return []
    found = [Ability.READ_PROJECT]
    writes = caller.has(Role.DEVELOPER)
    for feature, read, write in (
        (
            project.model_experiments,
            Ability.READ_MODEL_EXPERIMENTS,
            Ability.WRITE_MODEL_EXPERIMENTS,
        ),
        (project.model_registry, Ability.READ_MODEL_REGISTRY, Ability.WRITE_MODEL_REGISTRY),
    ):
        if _uses(caller, project.visibility, feature):
            found += [read, write] if writes else [read]
    if writes:
        found.append(Ability.CREATE_PACKAGE)
    if caller.has(Role.MAINTAINER):
        found.append(Ability.ADMIN_PROJECT)
    return found


def sees(caller: CallerRole, visibility: Visibility) -> bool:
    """Return whether a project or a group is visible to the caller."""
    if visibility is Visibility.PUBLIC:
        return True
    return caller.is_member or (visibility is Visibility.INTERNAL and caller.signed_in)


def _uses(caller: CallerRole, visibility: Visibility, feature: Feature) -> bool:
    """Return whether the caller may read the data of a feature.

    Callers who are not members may do so only in public projects, and only if they are signed in. GitLab's API
    requires signing in, and its policy grants nothing on the models of an internal project.
    """
    if feature is Feature.DISABLED:
        return False
    if caller.is_member:
        return True
    return feature is Feature.ENABLED and visibility is Visibility.PUBLIC and caller.signed_in
