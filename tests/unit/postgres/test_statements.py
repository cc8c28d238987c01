"""Which statements write: a refusal after a write undoes the frame, so none may be missed."""

import pytest

from shared.postgres.queries import Statement

READS = ["SELECT 1", "SELECT id FROM runs FOR UPDATE", "SELECT id FROM runs FOR NO KEY UPDATE"]
WRITES = [
    "INSERT INTO t VALUES ($1) ON CONFLICT (id) DO UPDATE SET a = 1",
    "update t set a = 1",
    "DELETE FROM t",
    "WITH gone AS (DELETE FROM t RETURNING id)\nSELECT id FROM gone",
    "WITH locked AS (SELECT id FROM t FOR UPDATE)\nUPDATE t SET a = 1 FROM locked",
]


@pytest.mark.parametrize("text", READS)
def test_a_statement_that_locks_or_reads_does_not_write(text):
    assert not Statement.of(text).writes


@pytest.mark.parametrize("text", WRITES)
def test_a_statement_that_changes_rows_writes(text):
    assert Statement.of(text).writes


def test_a_clause_that_is_not_there_cannot_be_left_out():
    statement = Statement.of("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING")
    assert statement.without(" ON CONFLICT DO NOTHING").sql == "INSERT INTO t VALUES (1)"
    with pytest.raises(ValueError, match="exactly once"):
        statement.without("ON CONFLICT DO UPDATE")


def test_a_placeholder_without_a_name_is_refused():
    statement = Statement.of("DELETE FROM {table} WHERE {id} = $1")
    filled = statement.fill({"table": "runs", "id": "run_id", "more": "x"})
    assert (filled.sql, filled.writes) == ("DELETE FROM runs WHERE run_id = $1", True)
    with pytest.raises(KeyError, match="id"):
        statement.fill({"table": "runs"})
