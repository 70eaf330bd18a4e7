"""One call: the subtool, its arguments, the moment it began and the context of the host."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from customerio_tool.errors import Look
from customerio_tool.subtools.declare import Args, Invocation, Subtool

_log = logging.getLogger("customerio_tool")

A = TypeVar("A", bound=Args)


@dataclass(frozen=True, kw_only=True)
class CallContext:
    """What the host knows about a call; every door fills in what it can.

    Args:
        run_id: The host's name for the run of the agent that this call belongs to.
        deadline_seconds: How long the whole call may take, waiting and repeats included; more than
            a day counts as a day. Without time, as with 0 or less, nothing is sent. What a lost
            ledger takes to say so comes on top: see `SqliteLedger` and `RedisLedger`.
        on_progress: Gets one sentence before a wait or a repeat; what it raises is logged by its
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

    def report(self, sentence: str) -> None:
        """Give a sentence to `on_progress`, if there is one."""
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


@dataclass(frozen=True)
class Call(Generic[A]):
    """A call whose arguments were read; `repr` shows none of them.

    Args:
        subtool: What is called.
        args: Its typed arguments.
        at: What was fixed when the call began.
        context: What the host knows about the call.
    """

    subtool: Subtool[A] = field(repr=False)
    args: A = field(repr=False)
    at: Invocation
    context: CallContext = field(default_factory=CallContext, repr=False)

    @property
    def canonical(self) -> bytes:
        """The subtool and its arguments in one form, however they were written."""
        given = {name: value for name, value in self.args if value is not None}
        return json.dumps([self.subtool.name, given], sort_keys=True).encode()

    def facts(self) -> dict[str, Any]:
        """Return what is known before sending and stands in every result."""
        return self.subtool.facts(self.args, self.at)

    def look(self) -> Look | None:
        """Return the call that shows whether this one took effect, where there is one."""
        return self.subtool.look(self.args, self.at) if self.subtool.look else None
