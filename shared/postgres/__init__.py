"""PostgreSQL: the pool, migrations, named queries, the executors of frames and events, inbox and outbox."""
