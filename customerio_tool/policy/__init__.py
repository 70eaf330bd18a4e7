"""The policy of an agent: its subtools, the recipients it may write to, hidden attributes."""

from __future__ import annotations

from customerio_tool.policy.policy import Policy

__all__ = ["Policy"]
