"""How many sends a run has had: counted in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from customerio_tool.errors import CustomerIoError, PolicyRefused
from customerio_tool.locks import ForkSafeLock

MAX_RUNS = 10_000
"""Runs whose counts are kept; beyond that, the run that sent longest ago is forgotten."""


_Run: TypeAlias = tuple[str, "str | None"]
"""A workspace, and a run of it."""


class SendBudget:
    """Counts the sends of each run, so that one which goes astray ends at its budget.

    A call that certainly sent nothing is not counted; one whose outcome is unknown is.
    """

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._sent: dict[_Run, int] = {}

    def spend(
        self, workspace: str, run: str | None, allowed: int, send: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Send where the budget has room, and return the result.

        Args:
            workspace: Whose run it is.
            run: The host's name for the run; all calls without one are a run together.
            allowed: How many sends the run may have.
            send: Sends, and returns the result envelope.

        Raises:
            PolicyRefused: The run has had them all.
            CustomerIoError: What `send` raises.
        """
        whose = workspace, run
        if not self._take(whose, allowed):
            sends = "1 send" if allowed == 1 else f"{allowed:,} sends"
            these = (
                "this run" if run else "the calls of this process whose run the host did not name"
            )
            raise PolicyRefused(
                f"Nothing was sent: {these} may have {sends} in all, and no more is left."
            )
        try:
            return send()
        except CustomerIoError as error:
            if error.took_effect == "no":
                self._give_back(whose)
            raise

    def _take(self, run: _Run, allowed: int) -> bool:
        with self._lock:
            sent = self._sent.pop(run, 0)
            self._sent[run] = sent + 1 if sent < allowed else sent
            if len(self._sent) > MAX_RUNS:
                del self._sent[next(iter(self._sent))]
        return sent < allowed

    def _give_back(self, run: _Run) -> None:
        with self._lock:
            self._sent[run] = max(0, self._sent.get(run, 0) - 1)
