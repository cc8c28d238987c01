"""What a handler is written against, whatever keeps the service's state: a context and a registry."""
