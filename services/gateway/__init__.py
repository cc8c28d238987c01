"""The HTTP gateway: turns requests into commands and queries. It has no SQL, storage keys or business rules."""
