"""The stores of the tracking service: its data in PostgreSQL, one module for each noun."""
