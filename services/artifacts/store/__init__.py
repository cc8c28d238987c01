"""Object storage: what the service needs of it, and the minio SDK that does it."""
