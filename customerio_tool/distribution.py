"""Knows what the package is called where it is installed from, and which version is installed."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

DISTRIBUTION = "customerio-tool"


@cache
def installed_version() -> str:
    """Return the version that is installed."""
    return version(DISTRIBUTION)


def how_to_install(extra: str) -> str:
    """Return the line for a shell which installs the package with an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
