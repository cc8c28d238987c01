"""Experiments, runs, metrics, params, tags and datasets; owns the schema `tracking`."""
