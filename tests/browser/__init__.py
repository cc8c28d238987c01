"""Tests of the web UI in Chromium."""
