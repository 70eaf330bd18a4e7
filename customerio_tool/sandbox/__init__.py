"""A local Customer.io: ``with Sandbox() as sandbox: ...``. Only TLS needs an extra."""

from __future__ import annotations

from .clock import Clock
from .local import Sandbox
from .options import Options

__all__ = ["Clock", "Options", "Sandbox"]
