"""Registered models, their versions, tags and aliases; owns the schema `registry`."""
