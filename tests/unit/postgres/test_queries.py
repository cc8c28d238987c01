"""The reader of named queries."""

import pytest

from shared.postgres.queries import parse_queries

TEXT = """-- A remark on the file.

-- name: one
-- Describes it.
SELECT 1
-- in between
FROM x;

-- name: two
SELECT 2;
"""


def test_statements_come_by_name_without_their_comments() -> None:
    statements = {name: statement.sql for name, statement in parse_queries(TEXT).items()}
    assert statements == {"one": "SELECT 1\nFROM x", "two": "SELECT 2"}


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice: .*one"):
        parse_queries(TEXT + "-- name: one\nSELECT 3;\n")
