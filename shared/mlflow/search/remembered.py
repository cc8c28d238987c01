"""How much a process remembers of searches. Dashboards and agents send the same ones again and again."""

from typing import Final

MOST_REMEMBERED: Final = 1_000
"""Texts whose meaning is remembered, the latest ones."""

LONGEST_REMEMBERED: Final = 1_000
"""Characters of a text that is remembered. Longer ones would take too much memory."""
