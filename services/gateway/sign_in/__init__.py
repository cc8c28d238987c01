"""Signing in with a browser: the pages, their forms, and who is redirected to them (ADR 69)."""
