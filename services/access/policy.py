"""What a role, a project's visibility and its switches add up to. Pure, and the only place of these rules.

Source: ``app/policies/project_policy.rb`` of GitLab and its page "Permissions and roles". Where the
two differ (one page lets Reporters change models) the policy's code counts.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from shared.contracts.access import Ability


class Role(IntEnum):
    """Access levels of members; each may do what the ones below may."""

    NONE = 0
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


class Visibility(StrEnum):
    """Who may know of a project or a group: its members, every user, everybody."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class Feature(StrEnum):
    """Who may use a part of a project: nobody, its members, everybody who may see the project."""

    DISABLED = "disabled"
    PRIVATE = "private"
    ENABLED = "enabled"


@dataclass(frozen=True, slots=True)
class Standing:
    """Who asks: nobody known, or a user with a role in the project, perhaps none."""

    signed_in: bool = False
    is_admin: bool = False
    role: Role = Role.NONE

    @property
    def is_member(self) -> bool:
        """Tell whether the user belongs to the project; administrators do to all."""
        return self.is_admin or self.role >= Role.GUEST

    def has(self, role: Role) -> bool:
        """Tell whether the user has at least this role."""
        return self.is_admin or self.role >= role


@dataclass(frozen=True, slots=True)
class Switches:
    """What a project's settings say."""

    visibility: Visibility
    model_experiments: Feature
    model_registry: Feature


def abilities(standing: Standing, project: Switches) -> list[Ability]:
    """Return what one may do in a project; nothing at all means that it looks absent."""
    if not sees(standing, project.visibility):
        return []
    found = [Ability.READ_PROJECT]
    writes = standing.has(Role.DEVELOPER)
    for feature, read, write in (
        (
            project.model_experiments,
            Ability.READ_MODEL_EXPERIMENTS,
            Ability.WRITE_MODEL_EXPERIMENTS,
        ),
        (project.model_registry, Ability.READ_MODEL_REGISTRY, Ability.WRITE_MODEL_REGISTRY),
    ):
        if _uses(standing, project.visibility, feature):
            found += [read, write] if writes else [read]
    if writes:
        found.append(Ability.CREATE_PACKAGE)
    if standing.has(Role.MAINTAINER):
        found.append(Ability.ADMIN_PROJECT)
    return found


def sees(standing: Standing, visibility: Visibility) -> bool:
    """Tell whether one may know of a project or a group."""
    if visibility is Visibility.PUBLIC:
        return True
    return standing.is_member or (visibility is Visibility.INTERNAL and standing.signed_in)


def _uses(standing: Standing, visibility: Visibility, feature: Feature) -> bool:
    """Tell whether one may read what belongs to a feature.

    Who is not a member may only in public projects, and only signed in: GitLab's API asks everybody
    to be, and its policy gives users of the instance nothing of an internal project's models.
    """
    if feature is Feature.DISABLED:
        return False
    if standing.is_member:
        return True
    return feature is Feature.ENABLED and visibility is Visibility.PUBLIC and standing.signed_in
