"""The access service's functions on PostgreSQL, one module per noun."""
