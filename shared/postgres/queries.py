"""Named queries: SQL is kept in ``.sql`` files, next to the store that uses it.

A file is a list of queries. Each begins with a line ``-- name: insert_run``. Comment lines that describe
it follow, and then one statement with ``$1`` placeholders.
"""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


def parse_queries(text: str) -> dict[str, str]:
    """Return the statements of a file by name. Raises ValueError for a name that is used twice."""
    _, *parts = _NAME.split(text)
    names, statements = parts[::2], parts[1::2]
    if twice := {name for name in names if names.count(name) > 1}:
        message = f"Queries defined twice: {sorted(twice)}"
        raise ValueError(message)
    return {
        name: _without_comments(statement)
        for name, statement in zip(names, statements, strict=True)
    }


def load_queries(package: str, name: str) -> dict[str, str]:
    """Return the statements of a package's file ``<name>.sql``, by name."""
    return parse_queries(files(package).joinpath(f"{name}.sql").read_text("utf-8"))


def _without_comments(statement: str) -> str:
    """Remove whole-line comments, which would be sent to the server with each preparation."""
    lines = (line for line in statement.splitlines() if not line.startswith("--"))
    return "\n".join(lines).strip().removesuffix(";")
