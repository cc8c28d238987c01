"""Starts and stops the processes of Warren, and composes the services on PostgreSQL."""
