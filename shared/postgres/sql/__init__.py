"""The SQL files of the inbox and the outbox."""
