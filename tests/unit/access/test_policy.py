"""GitLab's table of roles, visibility and settings, row by row."""

import itertools

import pytest

from services.access.policy import CallerRole, Feature, ProjectSettings, Role, Visibility, abilities
from shared.contracts.access import Ability

READ = {Ability.READ_MODEL_EXPERIMENTS, Ability.READ_MODEL_REGISTRY}
WRITE = {Ability.WRITE_MODEL_EXPERIMENTS, Ability.WRITE_MODEL_REGISTRY}
ANONYMOUS = CallerRole()
STRANGER = CallerRole(signed_in=True)
ADMIN = CallerRole(signed_in=True, is_admin=True)


def project(visibility=Visibility.PRIVATE, experiments=Feature.ENABLED, registry=Feature.ENABLED):
    return ProjectSettings(visibility, experiments, registry)


def member(role):
    return CallerRole(signed_in=True, role=role)


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize(
    ("role", "gained"),
    [
        (Role.GUEST, {Ability.READ_PROJECT, *READ}),
        (Role.PLANNER, set()),
        (Role.REPORTER, set()),
        (Role.DEVELOPER, {*WRITE, Ability.CREATE_PACKAGE}),
        (Role.MAINTAINER, {Ability.ADMIN_PROJECT}),
        (Role.OWNER, set()),
    ],
)
def test_a_role_may_what_the_one_below_may_and_more(visibility, role, gained):
    below = max((each for each in Role if each < role), default=Role.NONE)
    before = set(abilities(member(below), project())) if below else set()
    assert set(abilities(member(role), project(visibility))) == before | gained


def test_an_administrator_may_everything_in_any_project():
    assert set(abilities(ADMIN, project())) == set(Ability)


@pytest.mark.parametrize(
    ("caller", "visibility", "expected"),
    [
        (ANONYMOUS, Visibility.PRIVATE, set()),
        (ANONYMOUS, Visibility.INTERNAL, set()),
        (ANONYMOUS, Visibility.PUBLIC, {Ability.READ_PROJECT}),
        (STRANGER, Visibility.PRIVATE, set()),
        (STRANGER, Visibility.INTERNAL, {Ability.READ_PROJECT}),
        (STRANGER, Visibility.PUBLIC, {Ability.READ_PROJECT, *READ}),
    ],
)
def test_who_is_no_member_may_what_the_visibility_says(caller, visibility, expected):
    assert set(abilities(caller, project(visibility))) == expected


@pytest.mark.parametrize(
    ("caller", "visibility"),
    list(itertools.product([ADMIN, STRANGER, *map(member, Role)], Visibility)),
)
def test_a_feature_that_is_off_is_off_for_all_users(caller, visibility):
    switched = project(visibility, Feature.DISABLED, Feature.DISABLED)
    assert not set(abilities(caller, switched)) & (READ | WRITE)


def test_a_private_feature_of_a_public_project_is_its_members():
    switched = project(Visibility.PUBLIC, Feature.PRIVATE, Feature.ENABLED)
    assert set(abilities(STRANGER, switched)) == {
        Ability.READ_PROJECT,
        Ability.READ_MODEL_REGISTRY,
    }
    assert set(abilities(member(Role.GUEST), switched)) >= READ


def test_the_two_features_are_switched_apart():
    switched = project(experiments=Feature.DISABLED)
    assert set(abilities(member(Role.DEVELOPER), switched)) & (READ | WRITE) == {
        Ability.READ_MODEL_REGISTRY,
        Ability.WRITE_MODEL_REGISTRY,
    }
