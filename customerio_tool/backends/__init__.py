"""The exchangeable parts behind calls: the ledger of sends, rate limits and telemetry."""

from __future__ import annotations

from customerio_tool.backends.backends import Backends

__all__ = ["Backends"]
