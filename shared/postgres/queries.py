"""Named queries: SQL is kept in ``.sql`` files, next to the store that uses it.

A file is a list of queries. Each begins with a line ``-- name: insert_run``. Comment lines that describe
it follow, and then one statement with ``$1`` placeholders.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

_CHANGE = re.compile(
    # SELECT … FOR [NO KEY] UPDATE locks rows and changes none.
    r"\b(INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|(?<!FOR )(?<!KEY )(?<!DO )UPDATE)\b",
    re.IGNORECASE,
)

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement; ``writes`` tells whether it changes rows."""

    sql: str
    writes: bool

    @classmethod
    def of(cls, sql: str) -> "Statement":
        """Read from the keywords whether the statement writes."""
        return cls(sql, writes=_CHANGE.search(sql) is not None)

    def without(self, clause: str) -> "Statement":
        """Return the statement without a clause. Raises ValueError unless it is there exactly once."""
        before, found, after = self.sql.partition(clause)
        if not found or clause in after:
            message = f"The clause {clause!r} is not in the statement exactly once."
            raise ValueError(message)
        return Statement(before + after, self.writes)

    def fill(self, names: Mapping[str, str]) -> "Statement":
        """Return the statement with names of tables and columns in the place of its ``{placeholders}``.

        The names are never a client's. Raises KeyError for a placeholder without a name.
        """
        return Statement(self.sql.format_map(names), self.writes)


def parse_queries(text: str) -> dict[str, Statement]:
    """Return the statements of a file by name. Raises ValueError for a name that is used twice."""
    _, *parts = _NAME.split(text)
    names, statements = parts[::2], parts[1::2]
    if twice := {name for name in names if names.count(name) > 1}:
        message = f"Queries defined twice: {sorted(twice)}"
        raise ValueError(message)
    return {
        name: Statement.of(_without_comments(statement))
        for name, statement in zip(names, statements, strict=True)
    }


def load_queries(package: str, name: str) -> dict[str, Statement]:
    """Return the statements of a package's file ``<name>.sql``, by name."""
    return parse_queries(files(package).joinpath(f"{name}.sql").read_text("utf-8"))


def _without_comments(statement: str) -> str:
    """Remove whole-line comments, which would be sent to the server with each preparation."""
    lines = (line for line in statement.splitlines() if not line.startswith("--"))
    return "\n".join(lines).strip().removesuffix(";")
