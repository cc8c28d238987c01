"""Traces and their spans; owns the schema `traces`."""
