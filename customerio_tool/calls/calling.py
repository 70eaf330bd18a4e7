"""What the parts of a tool have in common: that it runs subtools."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from customerio_tool.calls import hints


class Calling(ABC):
    """Runs subtools by name."""

    @abstractmethod
    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: hints.CallContext | None = None,
    ) -> dict[str, Any]:
        """Run a subtool and return its result envelope."""
