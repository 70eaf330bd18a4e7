"""Knows where the project lies and what its `pyproject.toml` says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]


def pyproject() -> dict[str, Any]:
    """The project's metadata and settings."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
