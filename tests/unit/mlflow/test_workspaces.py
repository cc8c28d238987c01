"""Which project a workspace's name means, and the contrary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mlflow.workspaces import check_name, complaint, name_of, path_in

SEGMENT = st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,8}[A-Za-z0-9_])?", fullmatch=True)
"""``shared.contracts.accounts.Path``."""


@given(st.lists(SEGMENT, min_size=2, max_size=4).map("/".join))
def test_the_name_of_a_path_means_that_path_and_no_other(path):
    name = name_of(path)
    if name is not None:
        check_name(name)
        assert path_in(name) == path.lower()


@given(*[st.lists(SEGMENT, min_size=2, max_size=3).map("/".join)] * 2)
def test_two_paths_have_two_names(one, other):
    if name_of(one) is not None and name_of(one) == name_of(other):
        assert one.lower() == other.lower()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("team/churn", "team--churn"),
        ("Team/Inner/Churn-2", "team--inner--churn-2"),
        ("team/a--b", None),
        ("team/a_b", None),
        ("team/a.b", None),
        ("t" * 30 + "/" + "p" * 31, "t" * 30 + "--" + "p" * 31),
        ("t" * 30 + "/" + "p" * 32, None),
    ],
)
def test_paths_have_names_as_far_as_mlflows_grammar_goes(path, name):
    assert name_of(path) == name


@pytest.mark.parametrize("name", ["team", "team-a", "a1"])
def test_a_short_name_is_made_of_no_path(name):
    assert path_in(name) is None


@pytest.mark.parametrize("name", ["", "a", "a" * 64, "A1", "a_1", "a/b", "-a", "a-", "api", "a\n"])
def test_names_beyond_the_grammar_are_refused(name):
    assert complaint(name)
