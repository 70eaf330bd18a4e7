"""`Standby`, which tells those who keep a send when it waits between two attempts.

A request that was refused with a 429, or got no connection, is not on its way while it waits. So
nothing may be kept that says it is: else a process that dies meanwhile would leave a doubt.
"""

from __future__ import annotations

from collections.abc import Callable


class Standby:
    """Tells of the waits between the attempts of one send."""

    def __init__(self) -> None:
        self._told: list[tuple[Callable[[], None], Callable[[], None]]] = []

    def tell(self, begins: Callable[[], None], ends: Callable[[], None]) -> None:
        """Tell one more; who came last is told first of a begin, and last of an end.

        Args:
            begins: Called before a wait, when the request is certainly not on its way.
            ends: Called when the next attempt may be made; what it raises prevents that attempt.
        """
        self._told.append((begins, ends))

    def begin(self) -> None:
        """Tell that a wait begins."""
        for begins, _ in reversed(self._told):
            begins()

    def end(self) -> None:
        """Tell that the next attempt is about to be made."""
        for _, ends in self._told:
            ends()
