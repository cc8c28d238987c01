"""Prepares PostgreSQL before the services start: databases, roles, schemas and their migrations."""
