"""The name of the server."""

NAME = "customerio"
"""Hosts put it before the name of each subtool; with both, a longer one would pass their limits."""
