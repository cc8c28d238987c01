"""Translates the gateway's errors about fields to messages about the command's arguments."""

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from shared.contracts.errors import DomainError, ErrorCode

_RUBY = re.compile(r'\{:(?P<field>\w+)=>\["(?P<fault>[^"]+)"')
"""GitLab's form of an error: `Failed to save group {:path=>["has already been taken"]}`."""

_PARAMETER = re.compile(r"(?P<field>[^\[\s]+)\S* is (?P<fault>missing|invalid)")
"""GitLab's field ``error`` about a parameter: `scopes[0] is invalid`."""

_MISSING = re.compile(r"^404 (?:(?P<noun>\w+) )?Not Found$")

_NOUNS = {
    "groups": "group",
    "projects": "project",
    "users": "user",
    "members": "member",
    "access_tokens": "token",
    "personal_access_tokens": "token",
}
"""Nouns of GitLab's REST API by path segment. The segment after it is the noun's id or name."""


class ApiError(DomainError):
    """An error answer of the gateway."""

    def __init__(self, status: int, body: Any, path: str) -> None:
        fields = body if isinstance(body, dict) else {}
        said = next(
            (
                fields[each]
                for each in ("message", "error_description", "error")
                if fields.get(each)
            ),
            f"The answer was {status}.",
        )
        super().__init__(ErrorCode.BAD_REQUEST, said if isinstance(said, str) else "")
        self.status = status
        self.path = path
        self.fields: Mapping[str, Any] = said if isinstance(said, dict) else {}
        self.about = _PARAMETER.fullmatch(str(fields.get("error") or ""))
        self.invalid_token = str(fields.get("error_description") or "")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command as it was typed: its parser and the given options. API field names are argparse's `dest`."""

    parser: argparse.ArgumentParser
    options: argparse.Namespace

    def name(self, field: str) -> str:
        """Return the flag or the argument of a field."""
        action = self._action(field)
        if action is None:
            return field
        return action.option_strings[-1] if action.option_strings else str(action.metavar or field)

    def value(self, field: str) -> str:
        """Return the given value of a field."""
        value = getattr(self.options, field, None) or ""
        return ", ".join(value) if isinstance(value, list) else str(value)

    def expected(self, field: str) -> str:
        """Return what a field expects, for an error message."""
        action = self._action(field)
        if action is None or not (action.metavar or action.help):
            return ""
        parts = (action.metavar if action.option_strings else None, action.help)
        return f" ({': '.join(str(each) for each in parts if each)})"

    def _action(self, field: str) -> argparse.Action | None:
        return next((each for each in self.parser._actions if each.dest == field), None)  # noqa: SLF001


def explain(error: ApiError, command: CommandLine) -> str:
    """Return a message that says what was refused, why, and what to type instead."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        reason = error.invalid_token or "It is not known, or may not do this."
        return f"The token in WARREN_TOKEN was refused. {reason}"
    if error.status == HTTPStatus.FORBIDDEN:
        reason = error.message.removeprefix("403 Forbidden").removeprefix(" - ")
        return f"The user of WARREN_TOKEN may not do this. {_ended(reason)}".strip()
    if missing := _MISSING.match(error.message):
        return f"There is no {_named(error.path, missing['noun'])}, or WARREN_TOKEN may not see it."
    if error.about:
        return _about(error.about["field"], error.about["fault"], command)
    faults = [*_faults(error)]
    if faults:
        return " ".join(
            _ended(f"{command.name(field)} {command.value(field)} {fault}".replace("  ", " "))
            for field, fault in faults
        )
    return _ended(error.message)


def _about(field: str, fault: str, command: CommandLine) -> str:
    name = command.name(field)
    if fault == "missing":
        return f"{name} is missing{command.expected(field)}."
    return f"{name} can't be {command.value(field)!r}{command.expected(field)}."


def _faults(error: ApiError) -> Iterator[tuple[str, str]]:
    for found in _RUBY.finditer(error.message):
        yield found["field"], found["fault"]
    for field, said in error.fields.items():
        for fault in said if isinstance(said, list) else [said]:
            yield field, str(fault)


def _named(path: str, noun: str | None) -> str:
    """Return the entity that a path names, as `group team` for `/groups/team`.

    A path may name several. The last one of the given noun counts; without one of that noun, the last one.
    """
    segments = [unquote(each) for each in path.split("/") if each]
    pairs = [(_NOUNS[each], name) for each, name in pairwise(segments) if each in _NOUNS]
    wanted = (noun or "").lower()
    fitting = [pair for pair in pairs if pair[0] == wanted] or pairs
    return " ".join(fitting[-1]) if fitting else wanted or "such thing"


def _ended(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
