"""What the access service keeps in PostgreSQL, by noun."""
