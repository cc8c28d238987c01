"""Traces of OpenTelemetry, from HTTP over AMQP to SQL.

When a process is composed, tracing is put between its parts (``hooks``). Without tracing the parts are
connected directly, so it costs nothing.
"""
