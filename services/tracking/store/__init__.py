"""What the tracking service keeps in PostgreSQL, by noun."""
