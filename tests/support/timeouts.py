"""Knows how long a test waits for what must come."""

PATIENCE = 60
"""Real seconds, longer than a busy machine takes for anything: only what hangs takes so long."""
