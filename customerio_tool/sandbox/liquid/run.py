"""What the texts of one message share while they are rendered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .steps import NotRendered, Steps

HOST = "https://sandbox.invalid"  # RFC 2606: nobody has this name
_MOST_NESTED = 3  # texts with Liquid that ``render_liquid`` finds in texts
_LOCALE = 2000  # steps: a locale that is new is read from a file


@dataclass
class Run:
    """The rendering of one message.

    Args:
        data: the values by their roots, such as ``customer``, ``event`` or ``trigger``.
        delivery_id: the id of the delivery.
        now: the time in Unix seconds.
        steps: the work that may still be done.
        missing_attribute: what a missing attribute of a root does.
        missing_namespace: what a missing root does.
    """

    data: Mapping[str, Any]
    delivery_id: str
    now: int
    steps: Steps
    missing_attribute: Literal["fail", "blank"] = "fail"
    missing_namespace: Literal["blank", "fail"] = "blank"
    _locales: set[str] = field(default_factory=set)
    _drawn: int = 0
    _nested: int = 0

    def url(self, page: str) -> str:
        """The address of a page that the vendor serves for each delivery."""
        return f"{HOST}/{page}/{self.delivery_id}"

    def draw(self) -> bytes:
        """Bytes that look random, the same for the same delivery in every run."""
        self._drawn += 1
        return hashlib.sha256(f"{self.delivery_id} {self._drawn}".encode()).digest()

    def use_locale(self, name: str) -> None:
        """Take the steps of reading a locale, once."""
        if name not in self._locales:
            self._locales.add(name)
            self.steps.spend(_LOCALE)

    def enter(self) -> None:
        """Go into a text with Liquid that a value holds. Raises NotRendered if too deep."""
        self._nested += 1
        if self._nested > _MOST_NESTED:
            raise NotRendered(f"render_liquid is nested more than {_MOST_NESTED} levels deep")

    def leave(self) -> None:
        """Come back from such a text."""
        self._nested -= 1
