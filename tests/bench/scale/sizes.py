"""How large the tables and indexes of a database are."""

from dataclasses import dataclass

import asyncpg

_SIZES = """
    SELECT
        tables.relname AS name,
        pg_table_size(tables.oid) AS heap,
        pg_indexes_size(tables.oid) AS indexes,
        greatest(tables.reltuples, 0)::bigint AS rows
    FROM pg_class AS tables
    WHERE tables.relnamespace = $1::regnamespace AND tables.relkind IN ('r', 'm')
    ORDER BY pg_total_relation_size(tables.oid) DESC, tables.relname
"""


@dataclass(frozen=True)
class TableSize:
    """Bytes of a table with its TOAST table (``heap``), of its indexes, and its rows as ANALYZE counted them."""

    name: str
    heap: int
    indexes: int
    rows: int

    @property
    def total(self) -> int:
        """Bytes in all, as pg_total_relation_size counts them."""
        return self.heap + self.indexes


async def table_sizes(dsn: str, schema: str) -> list[TableSize]:
    """Return the sizes of the tables of a schema that are not empty, the largest first."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(_SIZES, schema)
    finally:
        await connection.close()
    sizes = [TableSize(**row) for row in rows]
    return [size for size in sizes if size.heap]


def sizes_text(name: str, sizes: list[TableSize]) -> str:
    """Write the sizes in bytes, one table a line, their sum last."""
    lines = [f"{name}, bytes: table, heap, indexes, together, rows"]
    lines += [
        f"  {size.name:<24} {size.heap:>16,} {size.indexes:>16,} {size.total:>16,} {size.rows:>14,}"
        for size in [*sizes, _sum(sizes)]
    ]
    return "\n".join(lines)


def _sum(sizes: list[TableSize]) -> TableSize:
    return TableSize(
        "all", sum(s.heap for s in sizes), sum(s.indexes for s in sizes), sum(s.rows for s in sizes)
    )
