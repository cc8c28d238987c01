"""Carries commands, queries and events between the gateway and the services, in frames over RabbitMQ."""
