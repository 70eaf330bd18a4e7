"""Knows where the project lies and what its `pyproject.toml` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli

ROOT = Path(__file__).parents[2]


def pyproject() -> dict[str, Any]:
    """The project's metadata and settings."""
    return tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
