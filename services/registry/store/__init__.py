"""What the registry service keeps in PostgreSQL, by noun."""
