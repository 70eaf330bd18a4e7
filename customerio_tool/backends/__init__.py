"""What stands behind calls and can be exchanged: memory, a file, Redis, OpenTelemetry."""

from __future__ import annotations

from customerio_tool.backends.backends import Backends

__all__ = ["Backends"]
