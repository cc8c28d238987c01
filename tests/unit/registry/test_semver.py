"""Semantic versions: the standard's grammar and precedence, and GitLab's next version."""

import random

import pytest

from services.registry.semver import MAX_LENGTH, next_version, parse, parse_or_refuse
from shared.contracts.errors import DomainError

ASCENDING = [
    "0.0.0",
    "0.0.1-0",
    "0.0.1",
    "0.1.0",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-11",
    "1.0.0-99999999999999999999999",
    "1.0.0--",
    "1.0.0-0A",
    "1.0.0-A",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.1.0",
    "1.0.0-alpha.beta",
    "1.0.0-alpha-",
    "1.0.0-alpha0",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-alpha",
    "1.0.9",
    "1.0.10",
    "1.9.0",
    "1.10.0",
    "2.0.0",
    "2.1.0",
    "2.1.1",
    "10.0.0",
    "99999999999999999999999.999999999999999999.99999999999999999",
]
"""The lists of clause 11, and what lies around them."""


def test_keys_are_in_the_order_of_precedence() -> None:
    shuffled = random.Random(11).sample(ASCENDING, len(ASCENDING))
    assert sorted(shuffled, key=lambda text: parse_or_refuse(text).key) == ASCENDING
    assert len({parse_or_refuse(text).key for text in ASCENDING}) == len(ASCENDING)


def test_build_metadata_has_no_precedence() -> None:
    assert parse_or_refuse("1.0.0-rc.1+a.1").key == parse_or_refuse("1.0.0-rc.1+b").key
    assert parse_or_refuse("1.0.0+20130313144700").key == parse_or_refuse("1.0.0").key


@pytest.mark.parametrize(
    "text",
    [
        "0.0.4",
        "1.1.2-prerelease+meta",
        "1.0.0-0A.is.legal",
        "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
        "1.0.0----RC-SNAPSHOT.12.9.1--.12+788",
        "1.0.0-" + "x" * (MAX_LENGTH - 6),
    ],
)
def test_valid_versions_read_back(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2",
        "v1.2.3",
        "1.2.3.4",
        "01.1.1",
        "1.01.1",
        "1.1.01",
        "1.2.3-",
        "1.2.3-0123",
        "1.2.3-a..b",
        "1.2.3+",
        "1.2.3+a+b",
        "1.2.3-é",
        "1.2.3\n",
        " 1.2.3",
        "-1.0.0",
        "\u0661.2.3",
        "1.0.0-" + "x" * (MAX_LENGTH - 5),
    ],
)
def test_other_texts_are_refused_in_gitlabs_words(text: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_or_refuse(text)
    assert caught.value.message == "Version must be semantic version"


@pytest.mark.parametrize(
    ("highest", "after"),
    [
        (None, "1.0.0"),
        ("1.0.0", "1.0.1"),
        ("1.2.3", "1.2.4"),
        ("1.2.9", "1.2.10"),
        ("1.0.0-rc1", "1.0.1-rc1"),
        ("1.0.0-rc1+b7", "1.0.1-rc1+b7"),
    ],
)
def test_the_next_version_has_the_next_patch(highest: str | None, after: str) -> None:
    assert str(next_version(highest)) == after


def test_the_longest_version_has_none_after_it() -> None:
    with pytest.raises(DomainError, match="Name one by the tag"):
        next_version("1.0." + "9" * (MAX_LENGTH - 4))
