"""Counts the sends of each run, in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from customerio_tool.errors import CustomerIoError, PolicyRefused
from customerio_tool.locks import ForkSafeLock

MAX_RUNS = 10_000
"""The most runs that are counted; the one whose last send is oldest is forgotten first."""


_Run: TypeAlias = tuple[str, "str | None"]
"""A workspace and the id of a run, None for all calls without one."""


class SendBudget:
    """Counts the sends of each run, and refuses a send beyond the run's budget.

    A send whose outcome is unknown counts; one that certainly sent nothing does not.
    """

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._sent: dict[_Run, int] = {}

    def spend(
        self, workspace: str, run: str | None, allowed: int, send: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Send if the budget of the run allows it, and return the result envelope.

        Args:
            workspace: The digest of the workspace.
            run: The host's id of the run; all calls of a workspace without one count together.
            allowed: The most sends of the run.
            send: Sends, and returns the result envelope.

        Raises:
            PolicyRefused: The budget of the run is spent.
            CustomerIoError: Raised by `send`.
        """
        key = workspace, run
        if not self._take(key, allowed):
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
                self._give_back(key)
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
