"""What an agent may do, whom it may reach, and what it may see."""

from __future__ import annotations

from customerio_tool.policy.policy import Policy

__all__ = ["Policy"]
