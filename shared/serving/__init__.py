"""A process of Warren: its start, its signals, and the parts of a service on PostgreSQL."""
