"""The traces service's functions on PostgreSQL, one module for each noun."""
