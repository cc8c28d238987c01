"""Whole Warrens, because these tests speak HTTP."""

from tests.warren_fixtures import stack_warren, standalone_warren

__all__ = ["stack_warren", "standalone_warren"]
