"""Streams artifacts between clients and the storage. Their bytes never travel over the bus."""
