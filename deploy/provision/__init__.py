"""Prepares PostgreSQL and RabbitMQ before the services start: accounts, schemas and migrations, queues."""
