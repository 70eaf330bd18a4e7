"""The name and the version of the distribution; the build reads the version from here."""

from __future__ import annotations

import os
import sys

__version__ = "0.1.0"

DISTRIBUTION = "customerio-tool"


def how_to_install(extra: str) -> str:
    """Return the shell command that installs the package with an extra, where this process runs.

    In a virtual environment that is not activated, `pip` alone would be that of another Python;
    one that `uv` or `uvx` made has no pip. `pipx` may make its environments with a `uv` of its own,
    which is no command of the shell.
    """
    return f"{installer()} '{DISTRIBUTION}[{extra}]'"


def installer() -> str:
    """Return the beginning of that command, before what is to be installed."""
    from importlib.util import find_spec
    from pathlib import Path
    from shlex import quote

    if sys.prefix == sys.base_prefix or not sys.executable:
        return "pip install"
    if (Path(sys.prefix) / "pipx_metadata.json").exists():
        return f"pipx runpip {quote(Path(sys.prefix).name)} install"
    if find_spec("pip") is None:
        return f"uv pip install --python {quote(sys.executable)}"
    if os.environ.get("VIRTUAL_ENV") == sys.prefix:
        return "pip install"
    return f"{quote(sys.executable)} -m pip install"
