"""Semantic versions (https://semver.org/spec/v2.0.0.html): parsing, order, and the next version.

GitLab names the versions of a model by them. Sources of its rules for the next version: GitLab's
documentation, "MLflow client compatibility", and the answers of its server.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property

from shared.contracts.errors import DomainError, invalid

MAX_LENGTH = 255

_NUMBER = r"0|[1-9][0-9]*"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


@dataclass(frozen=True)
class SemVer:
    """A semantic version. The numbers are text: they may have more digits than any integer type."""

    major: str
    minor: str
    patch: str
    pre_release: str | None = None
    build: str | None = None

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        if self.pre_release is not None:
            text += f"-{self.pre_release}"
        return text if self.build is None else f"{text}+{self.build}"

    @cached_property
    def key(self) -> str:
        """Return a text whose order, byte by byte, is the precedence (clause 11 of the standard).

        Each number follows its length, so that 9 comes before 10. Each identifier ends with a space,
        which is lower than any character of an identifier. A release has a tilde in place of
        identifiers, which is higher. Build metadata does not count.
        """
        core = "".join(map(_number_key, (self.major, self.minor, self.patch)))
        if self.pre_release is None:
            return f"{core}~"
        return core + "".join(map(_identifier_key, self.pre_release.split(".")))

    def next_patch(self) -> "SemVer":
        """Return GitLab's default for the next version: it adds one to the patch and keeps the rest."""
        return replace(self, patch=str(int(self.patch) + 1))


FIRST = SemVer("1", "0", "0")


def parse(text: str) -> SemVer | None:
    """Read a semantic version; None if the text is not one."""
    match = _SEMVER.fullmatch(text) if len(text) <= MAX_LENGTH else None
    return SemVer(*match.groups()) if match else None


def parse_or_refuse(text: str) -> SemVer:
    """Read a semantic version. Raises DomainError in GitLab's words."""
    semver = parse(text)
    if semver is None:
        message = "Version must be semantic version"
        raise invalid(message)
    return semver


def next_version(highest: str | None) -> SemVer:
    """Return the version after the highest one. Raises DomainError if it would be too long."""
    if highest is None:
        return FIRST
    semver = parse_or_refuse(highest).next_patch()
    if len(str(semver)) > MAX_LENGTH:
        raise _no_room(highest)
    return semver


def _no_room(highest: str) -> DomainError:
    return invalid(
        f"No version of at most {MAX_LENGTH} characters follows '{highest}' by itself. Name one by "
        "the tag 'gitlab.version'."
    )


def _number_key(digits: str) -> str:
    return f"{len(digits):03d}{digits}"


def _identifier_key(identifier: str) -> str:
    """Return the key of one identifier of a pre-release. Numbers come before words."""
    return (f"0{_number_key(identifier)}" if identifier.isdigit() else f"1{identifier}") + " "
