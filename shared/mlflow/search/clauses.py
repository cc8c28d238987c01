"""Groups tokens into clauses `name comparator operand`. Names and values are interpreted later."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.contracts import limits
from shared.contracts.errors import invalid
from shared.mlflow.search.grammar import Grammar
from shared.mlflow.search.lexer import Kind, Token, is_identifier, tokenize

# No entity accepts `NOT LIKE`, `NOT ILIKE` and `NOT RLIKE`, and only traces accept `RLIKE`. They are operators all
# the same, so that the client reads "Invalid comparator" and not "Invalid clause".
_WORD_OPERATORS = (
    ("IS", "NOT", "NULL"),
    ("IS", "NULL"),
    ("NOT", "IN"),
    ("NOT", "LIKE"),
    ("NOT", "ILIKE"),
    ("NOT", "RLIKE"),
    ("IN",),
    ("LIKE",),
    ("ILIKE",),
    ("RLIKE",),
)
_WITHOUT_OPERAND = ("IS NULL", "IS NOT NULL")
_MOST_QUOTED = 10
_RESERVED = frozenset({"AND", "OR", "NOT", "IS", "IN", "LIKE", "ILIKE", "RLIKE"})
_OPERANDS = frozenset({Kind.NAME, Kind.STRING, Kind.NUMBER})


@dataclass(frozen=True, slots=True)
class Operand:
    """The right-hand side: one token, or the tokens inside a pair of parentheses."""

    text: str
    token: Token
    items: tuple[Token, ...] | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """A comparison as written; `operator` is in upper case, its words one space apart."""

    left: Token
    operator: str
    right: Operand | None


def read_clauses(source: str, grammar: Grammar) -> list[Clause]:
    """Return the clauses of a filter. `grammar` only supplies the texts of the errors.

    As in MLflow, AND between clauses may be missing or repeated. One DomainError(INVALID_PARAMETER_VALUE)
    quotes the tokens that belong to no clause, at most ten of them.
    """
    if len(source) > limits.FILTER:
        raise invalid(f"'filter' exceeds the maximum length of {limits.FILTER} characters")
    tokens = tokenize(source, "filter")
    if not tokens:
        raise invalid(grammar.empty.format(source=source))
    if any(token.kind is Kind.SEMICOLON for token in tokens[:-1]):
        raise invalid(grammar.several.format(source=source))
    found = list(_Reader(source, tokens).read())
    strangers = [item for item in found if isinstance(item, str)]
    if strangers:
        listed = ", ".join(f"'{text}'" for text in strangers[:_MOST_QUOTED])
        raise invalid(grammar.strangers.format(source=source, strangers=listed))
    return [item for item in found if isinstance(item, Clause)]


class _Reader:
    """A cursor over the tokens of one filter."""

    def __init__(self, source: str, tokens: list[Token]) -> None:
        self._source = source
        self._tokens = tokens
        self._partners = _match_parentheses(tokens)
        self._at = 0

    def read(self) -> Iterator[Clause | str]:
        """Yield clauses, and the text of each token or parenthesis that belongs to no clause."""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.kind is Kind.NAME and token.word == "AND":
                self._at += 1
                continue
            clause = self._clause()
            yield clause if clause is not None else self._stranger()

    def _clause(self) -> Clause | None:
        """Read a clause and move past it. If there is none here, return None and do not move."""
        left = self._tokens[self._at]
        if left.kind not in _OPERANDS or left.word in _RESERVED:
            return None
        operator, at = self._operator(self._at + 1)
        if operator in _WITHOUT_OPERAND:
            self._at = at
            return Clause(left, operator, None)
        right, at = self._operand(at) if operator else (None, at)
        if right is None or (operator.endswith("IN") and right.items is None):
            return None
        self._at = at
        return Clause(left, operator, right)

    def _operator(self, at: int) -> tuple[str, int]:
        """Return the operator that starts at a token, and the position after it; '' if there is none."""
        if at < len(self._tokens) and self._tokens[at].kind is Kind.OPERATOR:
            return self._tokens[at].text, at + 1
        for words in _WORD_OPERATORS:
            candidate = self._tokens[at : at + len(words)]
            if tuple(token.word for token in candidate) == words:
                return " ".join(words), at + len(words)
        return "", at

    def _operand(self, at: int) -> tuple[Operand | None, int]:
        if at >= len(self._tokens):
            return None, at
        token = self._tokens[at]
        if token.kind is Kind.OPEN:
            return self._parenthesis(at)
        if token.kind not in _OPERANDS or token.word in _RESERVED:
            return None, at
        return Operand(token.text, token), at + 1

    def _parenthesis(self, at: int) -> tuple[Operand | None, int]:
        """Return the parenthesis that opens here, and the position after it; None if it never closes."""
        end = self._partners.get(at)
        if end is None:
            return None, at
        text = self._source[self._tokens[at].start : self._tokens[end].end]
        items = tuple(self._tokens[at + 1 : end])
        return Operand(text, self._tokens[at], items), end + 1

    def _stranger(self) -> str:
        token = self._tokens[self._at]
        group, at = self._parenthesis(self._at) if token.kind is Kind.OPEN else (None, 0)
        self._at = at if group else self._at + 1
        return group.text if group else token.text


def _match_parentheses(tokens: list[Token]) -> dict[int, int]:
    """Map the position of each opening parenthesis to the position of its closing one.

    Unmatched ones are left out. One pass finds all pairs: a search from each opening parenthesis
    would take quadratic time.
    """
    partners: dict[int, int] = {}
    open_ones: list[int] = []
    for at, token in enumerate(tokens):
        if token.kind is Kind.OPEN:
            open_ones.append(at)
        elif token.kind is Kind.CLOSE and open_ones:
            partners[open_ones.pop()] = at
    return partners


def require_identifier(clause: Clause) -> str:
    """Return the left-hand side. Raises DomainError if it is not a name, or needs quotes."""
    if not is_identifier(clause.left):
        raise invalid(
            f"Invalid comparison clause. Expected 'Identifier' found '{clause.left.text}'"
        )
    return clause.left.text
