"""The streaming door: bytes of artifacts between clients and the storage, never on the bus."""
