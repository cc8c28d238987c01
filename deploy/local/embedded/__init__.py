"""Private servers (PostgreSQL, RabbitMQ) that Warren starts for itself on one machine."""
