"""Object storage: the protocol that the service needs, and its implementation with the minio SDK."""
