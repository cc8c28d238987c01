"""Prepares PostgreSQL, RabbitMQ and S3 before the services start: accounts, schemas, migrations, queues, the bucket."""
