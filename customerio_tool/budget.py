"""How many sends a run has had: counted in memory, for one tool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from customerio_tool.errors import CustomerIoError, PolicyRefused, SendInProgress

MAX_RUNS = 10_000
"""Runs whose counts are kept; beyond that, the run that sent longest ago is forgotten."""


class SendBudget:
    """Counts the sends of each run, so that one which goes astray ends at its budget.

    A call that certainly sent nothing is not counted; one whose outcome is unknown is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str | None, int] = {}

    def spend(
        self, run_id: str | None, allowed: int, send: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Send where the budget has room, and return the result.

        Args:
            run_id: The run; None counts for the tool.
            allowed: How many sends the run may have.
            send: Sends, and returns the result envelope.

        Raises:
            PolicyRefused: The run has had them all.
            CustomerIoError: What `send` raises.
        """
        if not self._take(run_id, allowed):
            sends = "1 send" if allowed == 1 else f"{allowed:,} sends"
            raise PolicyRefused(
                f"Nothing was sent: this run may have {sends} in all, and no more is left."
            )
        try:
            result = send()
        except CustomerIoError as error:
            if error.took_effect == "no" or isinstance(error, SendInProgress):
                self._give_back(run_id)
            raise
        if result.get("outcome") == "already_sent":
            self._give_back(run_id)
        return result

    def _take(self, run_id: str | None, allowed: int) -> bool:
        with self._lock:
            sent = self._sent.pop(run_id, 0)
            self._sent[run_id] = min(sent + 1, allowed)
            if len(self._sent) > MAX_RUNS:
                del self._sent[next(iter(self._sent))]
        return sent < allowed

    def _give_back(self, run_id: str | None) -> None:
        with self._lock:
            self._sent[run_id] = max(0, self._sent.get(run_id, 0) - 1)
