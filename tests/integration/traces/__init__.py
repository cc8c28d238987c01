"""The traces service on PostgreSQL."""
