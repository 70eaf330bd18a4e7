"""Knows what the package is called where it is installed from, and which version is installed."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "customerio-tool"


@cache
def installed_version() -> str:
    """Return the version that is installed; `unknown` of files that were merely copied."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def how_to_install(extra: str) -> str:
    """Return the line for a shell which installs the package with an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
