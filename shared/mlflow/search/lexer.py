"""Splits filter strings and order_by clauses into tokens.

MLflow uses a generic SQL tokenizer. This one accepts the same texts of MLflow's documented syntax. A
token carries its position, so that errors can quote the client's own text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts import limits
from shared.contracts.errors import invalid


class Kind(StrEnum):
    """The type of a token; each name is also a group in the pattern `_TOKEN`."""

    SPACE = "SPACE"
    NUMBER = "NUMBER"
    NAME = "NAME"
    STRING = "STRING"
    OPERATOR = "OPERATOR"
    OPEN = "OPEN"
    CLOSE = "CLOSE"
    COMMA = "COMMA"
    SEMICOLON = "SEMICOLON"
    STRAY = "STRAY"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the filter, `text == source[start:end]`."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """Return the text in upper case, for comparisons with keywords."""
        return self.text.upper()


# A quote inside a string is doubled or follows a backslash. Both stay in the value as written,
# because MLflow removes only the outer quotes.
_SINGLE_QUOTED = r"'(?:''|\\'|[^'])*'"
_DOUBLE_QUOTED = r'"(?:""|\\"|[^"])*"'
_BACKTICKED = r"`(?:``|[^`])*`"
# A bare word ends before a space, dot, operator, quote, parenthesis, comma or semicolon. `-` and `/`
# belong to the word, so that the parser can say that `metrics.val-loss` needs quotes.
_BARE = r"[^\s.=<>!~'\"`(),;]+"
_FIRST = f"(?:{_BARE}|{_BACKTICKED}|{_DOUBLE_QUOTED})"
_NEXT = f"(?:{_BARE}|{_BACKTICKED}|{_DOUBLE_QUOTED}|{_SINGLE_QUOTED})"

# Possessive quantifiers (`++`, `?+`, `*+`) never backtrack. So the time stays linear in the length of
# a client's text.
_TOKEN = re.compile(
    rf"""
      (?P<SPACE>\s+)
    | (?P<NUMBER>-?(?:\d++\.?+\d*+|\.\d++)(?:[eE][-+]?\d++)?+(?![^\s=<>!~'"`(),;]))
    | (?P<NAME>{_FIRST}(?:\.{_NEXT}?)*)
    | (?P<STRING>{_SINGLE_QUOTED})
    | (?P<OPERATOR>[=<>!~]+)
    | (?P<OPEN>\()
    | (?P<CLOSE>\))
    | (?P<COMMA>,)
    | (?P<SEMICOLON>;)
    | (?P<STRAY>.)
    """,
    re.VERBOSE | re.ASCII,
)

_KINDS = {kind.value: kind for kind in Kind}

# Postgres cannot store NUL, and UTF-8 cannot encode a lone surrogate. So neither can match stored text.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def tokenize(source: str, what: str) -> list[Token]:
    """Return the tokens of `source` without white space; `what` names it in errors.

    Raises DomainError(INVALID_PARAMETER_VALUE) for characters that no stored text can contain, and
    for more than `limits.FILTER_TOKENS` tokens.
    """
    if _UNSTORABLE.search(source):
        raise invalid(f"Error on parsing {what} {source!r}")
    tokens = []
    for token in _scan(source):
        if token.kind is not Kind.SPACE:
            tokens.append(token)
            if len(tokens) > limits.FILTER_TOKENS:
                raise invalid(f"The {what} has more than {limits.FILTER_TOKENS} words and signs.")
    return tokens


def _scan(source: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(source):
        # The last alternative takes any character, so a match always has a named group.
        kind = _KINDS[match.lastgroup or "STRAY"]
        yield Token(kind, match.group(), match.start(), match.end())


_PART = re.compile(f"{_BARE}|{_BACKTICKED}|{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}")
_PLAIN_NAME = re.compile(r"\w+")


def is_quoted(text: str, quotes: str = "'\"") -> bool:
    """Tell whether the whole `text` is one quoted piece; `quotes` are the accepted quotes."""
    return text[:1] in quotes and len(text) > 1 and bool(_PART.fullmatch(text))


def unquote(text: str, quotes: str = "'\"`") -> str:
    """Remove the outer quotes; the text between them stays as it is."""
    return text[1:-1] if is_quoted(text, quotes) else text


def is_identifier(token: Token) -> bool:
    """Tell whether a token is a name that needs no more quotes: `metrics.a` is, `metrics.a-b` is not."""
    return token.kind is Kind.NAME and all(
        piece.group()[0] in "`\"'" or _PLAIN_NAME.fullmatch(piece.group())
        for piece in _PART.finditer(token.text)
    )
