"""The name and the version of the distribution; the build reads the version from here."""

from __future__ import annotations

import os
import sys

__version__ = "0.1.0"

DISTRIBUTION = "customerio-tool"


def how_to_install(extra: str) -> str:
    """Return the shell command that installs the package with an extra, where this process runs.

    In a virtual environment that is not activated, `pip` alone would be that of another Python.
    """
    return f"{_pip()} install '{DISTRIBUTION}[{extra}]'"


def _pip() -> str:
    is_activated = os.environ.get("VIRTUAL_ENV") == sys.prefix
    if is_activated or sys.prefix == sys.base_prefix or not sys.executable:
        return "pip"
    from shlex import quote

    return f"{quote(sys.executable)} -m pip"
