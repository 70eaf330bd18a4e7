"""A local Customer.io to run against: ``with Sandbox() as sandbox: ...``. Needs no extra but for TLS."""

from __future__ import annotations

from .clock import Clock
from .local import Sandbox
from .options import Options

__all__ = ["Clock", "Options", "Sandbox"]
