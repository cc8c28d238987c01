"""PostgreSQL: the pool, migrations, named queries, and what a handler sees of a transaction."""
