"""What belongs to one call and not to the tool: its time, its ids, and what the host says of it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from customerio_tool.identifiers import hashed_ulid, is_ulid

_log = logging.getLogger("customerio_tool")

CLOCK_SLACK_SECONDS = 60
"""How far Customer.io's clock may be behind ours where a thing is looked for by its age."""


@dataclass(frozen=True)
class Invocation:
    """What is fixed once per call, before its first attempt, so that every attempt is the same.

    Args:
        now: Unix time in seconds at which the call began.
        workspace: A digest that tells one workspace from another.
        ulid: A fresh ULID.
    """

    now: float
    workspace: str
    ulid: str

    @property
    def second(self) -> int:
        """The time of the call in whole Unix seconds."""
        return int(self.now)

    @property
    def since(self) -> float:
        """The Unix time in seconds from which on a thing may have been made by this call."""
        return self.now - CLOCK_SLACK_SECONDS

    def event_id(self, given: str | None, person: str, name: str) -> str:
        """Return the ULID of an event: the caller's, one hashed from the caller's text, or new."""
        if given is None:
            return self.ulid
        # The two cases of a ULID are one; whether Customer.io compares them so is UNVERIFIED.
        return given.upper() if is_ulid(given) else hashed_ulid(self.workspace, person, name, given)


@dataclass(frozen=True, kw_only=True)
class CallContext:
    """What the host knows about a call; every door fills in what it can.

    Args:
        run_id: The host's name for the run of the agent that this call belongs to.
        deadline_seconds: How long the whole call may take, waiting and repeats included; more than
            a day counts as a day. Without time, as with 0 or less, nothing is sent. What a lost
            ledger takes to say so comes on top: see `SqliteLedger` and `RedisLedger`.
        on_progress: Told in one sentence before a wait or a repeat; what it raises is logged by its
            type, and changes nothing.
        cancelled: Asked between attempts; true ends the call, and so does an exception.

    Raises:
        TypeError: `run_id` is no text, or `deadline_seconds` is no number.
        ValueError: `deadline_seconds` is not a number (NaN).
    """

    run_id: str | None = None
    deadline_seconds: float | None = None
    on_progress: Callable[[str], None] | None = None
    cancelled: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        """Refuse what would fail in the middle of a call."""
        if self.run_id is not None and not isinstance(self.run_id, str):
            raise TypeError("run_id is not a text; give the host's name for the run, or None.")
        if (seconds := self.deadline_seconds) is None:
            return
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError("deadline_seconds is not a number; give seconds, or None.")
        if math.isnan(seconds):
            raise ValueError("deadline_seconds is NaN; give seconds, or None.")

    def tell(self, sentence: str) -> None:
        """Tell `on_progress`, if there is one."""
        try:
            if self.on_progress:
                self.on_progress(sentence)
        except Exception as error:
            _log.warning("on_progress raised %s", type(error).__name__)

    def is_cancelled(self) -> bool:
        """Ask `cancelled`, if there is one; where that fails nobody may want the call any more."""
        try:
            return bool(self.cancelled and self.cancelled())
        except Exception as error:
            _log.warning("cancelled raised %s", type(error).__name__)
        return True
