"""The studio's door: `main(inputs, env_variables)`, and what a builder pastes into the studio."""

from __future__ import annotations

from customerio_tool.doors.studio.entry import main

__all__ = ["main"]
