"""How instrumentations of language models name what they record: OpenTelemetry's GenAI conventions, and others."""
