"""SQL of the inbox and the outbox."""
