import argparse

import pytest

from cli.__main__ import parser
from cli.api_errors import ApiError, CommandLine, explain


def commands(described, words=()):
    """Yield every command with the words that lead to it."""
    yield " ".join(words), described
    for action in described._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from commands(inner, (*words, word))


COMMANDS = dict(commands(parser()))


def command_line(line):
    """Return a command line as it is typed."""
    return CommandLine(COMMANDS[" ".join(line.split()[:2])], parser().parse_args(line.split()))


CASES = [
    (
        "group create lab",
        (400, {"message": 'Failed to save group {:path=>["has already been taken"]}'}, "/groups"),
        "path lab has already been taken.",
    ),
    (
        "token create x --project 1",
        (
            400,
            {"message": "Missing value for …", "error": "expires_at is missing"},
            "/projects/1/access_tokens",
        ),
        "--expires is missing (YYYY-MM-DD: the day on which it ends; tokens of projects and groups need one).",
    ),
    (
        "token rotate self --expires soon",
        (
            400,
            {"message": "Invalid value …", "error": "expires_at is invalid"},
            "/personal_access_tokens/self/rotate",
        ),
        "--expires can't be 'soon' (YYYY-MM-DD: the day on which the new one ends (default: in a week)).",
    ),
    (
        "token create x --scope all --scope none",
        (
            400,
            {"message": "Invalid value …", "error": "scopes[0] is invalid"},
            "/users/1",
        ),
        (
            "--scope can't be 'all, none' (SCOPE: api (the default), read_api, read_user or self_rotate; "
            "may be given several times)."
        ),
    ),
    (
        "member add kim guest --group team --expires 2020-01-01",
        (
            400,
            {"message": {"expires_at": ["cannot be a date in the past"]}},
            "/groups/team/members",
        ),
        "--expires 2020-01-01 cannot be a date in the past.",
    ),
    (
        "project create team%2Fsub/p",
        (404, {"message": "404 Group Not Found"}, "/groups/team%2Fsub"),
        "There is no group team/sub, or WARREN_TOKEN may not see it.",
    ),
    (
        "token revoke 7 --project a/b",
        (404, {"message": "404 Not Found"}, "/projects/a%2Fb/access_tokens/7"),
        "There is no token 7, or WARREN_TOKEN may not see it.",
    ),
    (
        "user list",
        (401, {"error_description": "Token is expired.", "error": "invalid_token"}, "/users"),
        "The token in WARREN_TOKEN was refused. Token is expired.",
    ),
    (
        "user list",
        (403, {"message": "403 Forbidden"}, "/users"),
        "The user of WARREN_TOKEN may not do this.",
    ),
    ("user list", (502, None, "/users"), "The answer was 502."),
]


@pytest.mark.parametrize(("line", "answer", "said"), CASES)
def test_an_error_is_explained_in_the_words_of_the_command_line(line, answer, said):
    assert explain(ApiError(*answer), command_line(line)) == said


def test_every_command_explains_itself_and_each_of_its_arguments():
    assert {"gc", "token create", "dead-letters replay", "backup"} <= set(COMMANDS)
    for words, described in COMMANDS.items():
        assert described.format_help().startswith("usage: warren"), words
        assert words == "" or described.description, words
        for action in described._actions:
            assert action.help or action.dest in {"username", "==SUPPRESS==", "act"}, (
                words,
                action,
            )


def test_every_command_that_lists_or_shows_writes_json():
    reading = [
        words
        for words in COMMANDS
        if words.split()[-1:] in (["list"], ["show"], ["doctor"], ["gc"])
    ]
    assert len(reading) == 9
    for words in reading:
        assert "--json" in COMMANDS[words].format_help(), words
