"""The sizes of the caches for searches. Dashboards and agents send the same searches again and again."""

from typing import Final

MOST_REMEMBERED: Final = 1_000
"""Entries of a cache: the searches used last."""

LONGEST_REMEMBERED: Final = 1_000
"""Characters of a search that is cached. Longer ones would take too much memory."""
