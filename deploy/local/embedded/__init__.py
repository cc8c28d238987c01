"""Private servers (PostgreSQL, RabbitMQ, SeaweedFS) that Warren starts for itself on one machine."""
