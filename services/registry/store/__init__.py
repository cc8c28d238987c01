"""The stores of the registry service: its data in PostgreSQL, one module for each noun."""
