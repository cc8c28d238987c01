"""Traces of OpenTelemetry, from HTTP over AMQP to SQL.

Tracing is put between the parts when a process is composed (``hooks``): without it the parts are
connected as they are, and it costs nothing.
"""
