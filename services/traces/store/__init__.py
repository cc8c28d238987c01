"""What the traces service keeps in PostgreSQL, one module for each noun."""
