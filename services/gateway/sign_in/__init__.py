"""Signing in with a browser: the pages, their forms, and the redirects to them (ADR 69)."""
