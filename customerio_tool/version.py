"""The name and the version of the distribution; the build reads the version from here."""

from __future__ import annotations

__version__ = "0.1.0"

DISTRIBUTION = "customerio-tool"


def how_to_install(extra: str) -> str:
    """Return the shell command that installs the package with an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
