"""Runs a job: one thread hands out rows and keeps what became of them, others make the calls."""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from customerio_tool.deadline import Clock
from customerio_tool.doors.bulk.caller import Caller
from customerio_tool.doors.bulk.grouping import Grouping, Unit
from customerio_tool.doors.bulk.job import BulkError, leaves_a_trace
from customerio_tool.doors.bulk.progress import Meter, Progress
from customerio_tool.doors.bulk.rows import Outcome
from customerio_tool.doors.bulk.work import Counts, Work
from customerio_tool.errors import SendInProgress
from customerio_tool.subtools.declare import MAX_SEGMENT_IDS, Pace

Ending: TypeAlias = Literal["finished", "interrupted", "cancelled", "stopped", "waiting"]
"""How the work on a job ended.

`finished`: nothing is left to do. `interrupted`: the host stopped it. `cancelled`: somebody
cancelled the job. `stopped`: an error that all other rows would have too. `waiting`: no row could
be settled for the time of its patience.
"""

PATIENCE_SECONDS = 300.0
"""How long a job goes on although no row can be settled, in seconds."""

KEEP_SECONDS = 0.1
"""How long an outcome waits to be kept together with others, in seconds."""

KEEP_ROWS = 1000
"""How many outcomes wait to be kept together at most."""

AHEAD = 4
"""How many calls for each worker are read ahead."""

_LONGEST_PAUSE = 30.0
_LOOK_SECONDS = 1.0
_IDLE_SECONDS = 0.05
_SETTLED = ("done", "rejected", "unknown")


@dataclass
class Hooks:
    """What a job tells while it runs; each is called by the thread that runs it.

    Args:
        on_progress: Called several times a second with the progress.
        on_outcome: Called with each row that is kept and not done.
    """

    on_progress: Callable[[Progress], None] = lambda _: None
    on_outcome: Callable[[Outcome], None] = lambda _: None


@dataclass(frozen=True)
class Ended:
    """How the work on a job ended.

    Args:
        ending: How it ended.
        counts: The rows by state.
        result: The failure envelope of what stopped it, or what it waits for, if it is known.
    """

    ending: Ending
    counts: Counts
    result: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Later:
    """A call that is made again later, and lets others of its lane go first.

    Args:
        unit: The rows of the call.
        at: When, on the monotonic clock.
    """

    unit: Unit
    at: float


class Engine:
    """Runs one job once.

    Args:
        work: Hands out the rows.
        caller: Makes their calls.
        workers: How many threads make calls.
        clock: Measures progress and patience.
        patience: How long to go on although no row can be settled, in seconds.
        hooks: What is told meanwhile.
    """

    def __init__(
        self,
        work: Work,
        caller: Caller,
        *,
        workers: int = 8,
        clock: Clock | None = None,
        patience: float = PATIENCE_SECONDS,
        hooks: Hooks | None = None,
    ) -> None:
        self._work = work
        self._clock = clock or Clock()
        self._meter = Meter(self._clock.monotonic)
        self._caller = replace(caller, on_wait=self._meter.wait)
        self._grouping = Grouping(caller.job)
        self._notes_first = leaves_a_trace(caller.job.declared)
        workers = 1 if caller.job.declared.pace is Pace.BROADCAST else workers
        self._lanes = [queue.SimpleQueue[Unit | None]() for _ in range(workers)]
        self._done: queue.SimpleQueue[list[Outcome] | _Later] = queue.SimpleQueue()
        self._later: list[_Later] = []
        self._in_flight = 0
        self._gathered: list[Outcome] = []
        self._kept_at = self._clock.monotonic()
        self._hooks = hooks or Hooks()
        self._patience = patience
        self._settled_at = self._looked_at = self._clock.monotonic()
        self._stop = threading.Event()
        self._waits_for: dict[str, Any] | None = None
        self._ended: tuple[Ending, dict[str, Any] | None] = ("finished", None)

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stop.is_set()

    def stop(self, ending: Ending = "interrupted", result: dict[str, Any] | None = None) -> None:
        """End after the calls in flight; a signal handler and any thread may call it."""
        if not self._stop.is_set():
            self._ended = (ending, result)
            self._stop.set()

    def run(self) -> Ended:
        """Work until nothing is left to do, or the job must end before.

        Raises:
            BulkError: What keeps the rows cannot be used, or the input changed.
        """
        threads = [
            threading.Thread(target=self._work_in, args=(lane,), daemon=True, name=f"bulk-{i}")
            for i, lane in enumerate(self._lanes)
        ]
        for thread in threads:
            thread.start()
        try:
            self._tell()
            self._hand_out()
            self._finish()
        finally:
            self._stop.set()
            for lane in self._lanes:
                lane.put(None)
            for thread in threads:
                thread.join()
        ending, result = self._ended
        return Ended(ending, self._work.counts(), result)

    def _hand_out(self) -> None:
        """Hand out rows until there are none, or the job ends."""
        while not self._stop.is_set():
            self._resume()
            room = AHEAD * len(self._lanes) - self._in_flight
            rows = (
                self._work.take(self._wanted(room), is_idle=not self._in_flight) if room > 0 else []
            )
            if rows:
                self._dispatch(self._grouping.units(rows))
            elif rows is None:
                self._dispatch(self._grouping.rest())
                if not self._in_flight and not self._later:
                    return
            elif room > 0 and self._grouping.held and not self._in_flight:
                self._dispatch(self._grouping.rest())
            self._keep(is_patient=room <= 0 or not rows)
            if self._later and not self._in_flight:
                self._stop.wait(_IDLE_SECONDS)
            self._look()

    def _resume(self) -> None:
        """Make the calls again whose time has come."""
        now = self._clock.monotonic()
        due = [each for each in self._later if each.at <= now]
        self._later = [each for each in self._later if each.at > now]
        for each in due:
            self._put(each.unit)

    def _put(self, unit: Unit) -> None:
        self._in_flight += 1
        self._lanes[unit.lane % len(self._lanes)].put(unit)

    def _wanted(self, room: int) -> int:
        return MAX_SEGMENT_IDS if self._grouping.is_grouped else room

    def _dispatch(self, units: Iterable[Unit | Outcome]) -> None:
        """Give calls to the workers; rows that make no call are settled."""
        made = list(units)
        self._settle([each for each in made if isinstance(each, Outcome)])
        calls = [each for each in made if isinstance(each, Unit)]
        if calls and self._notes_first:
            self._work.begin([row for unit in calls for row in unit.rows])
        for unit in calls:
            self._put(unit)

    def _keep(self, *, is_patient: bool) -> None:
        """Gather what became of the rows whose calls have ended, and keep it soon."""
        wait = _IDLE_SECONDS if is_patient else 0.0
        while self._in_flight:
            try:
                ended = self._done.get(timeout=wait)
            except queue.Empty:
                break
            if isinstance(ended, _Later):
                self._later.append(ended)
            else:
                self._gathered += ended
            self._in_flight -= 1
            wait = 0.0
        is_due = self._clock.monotonic() - self._kept_at >= KEEP_SECONDS
        if is_due or not self._in_flight or len(self._gathered) >= KEEP_ROWS:
            gathered, self._gathered = self._gathered, []
            self._kept_at = self._clock.monotonic()
            self._settle([each for each in gathered if each.state in _SETTLED])

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        self._work.settle(outcomes)
        self._settled_at = self._clock.monotonic()
        for each in outcomes:
            if each.state != "done":
                self._hooks.on_outcome(each)

    def _finish(self) -> None:
        """Wait for the calls in flight, and keep what became of their rows."""
        while self._in_flight:
            self._keep(is_patient=True)
            self._tell()

    def _look(self) -> None:
        """Look now and then whether the job is to end, and tell how far it is."""
        now = self._clock.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        self._tell()
        if self._work.is_cancelled():
            self.stop("cancelled")
        elif now - self._settled_at > self._patience:
            self.stop("waiting", self._waits_for)

    def _tell(self) -> None:
        self._hooks.on_progress(self._meter.progress(self._work.counts()))

    def _work_in(self, lane: queue.SimpleQueue[Unit | None]) -> None:
        while (unit := lane.get()) is not None:
            outcomes: list[Outcome] | _Later = []
            try:
                outcomes = self._outcomes(unit)
            except BulkError as error:
                self.stop("stopped", error.as_result())
            except BaseException as error:  # a defect ends the job, and leaves the row as it is
                self.stop("stopped", _defect(error))
            self._done.put(outcomes)

    def _outcomes(self, unit: Unit) -> list[Outcome] | _Later:
        """Make a call, again and again while it has to wait.

        A message that another worker may be sending waits aside: after that one's deadline its
        outcome is known, or known to be unknown.
        """
        tries = 0
        while not self._stop.is_set():
            outcomes = self._caller.outcomes(unit)
            first = next((each for each in outcomes if each.state == "stopped"), None)
            if first:
                self.stop("stopped", dict(first.result))
            if not any(each.state == "waiting" for each in outcomes):
                return outcomes
            tries += 1
            if outcomes[0].code == SendInProgress.code:
                return _Later(unit, self._clock.monotonic() + _seconds_of(outcomes[0]))
            self._pause(outcomes, tries)
        return []

    def _pause(self, outcomes: Sequence[Outcome], tries: int) -> None:
        waiting = next(each for each in outcomes if each.state == "waiting")
        asked = _seconds_of(waiting)
        backoff = random.uniform(0.5, 1.0) * min(0.25 * 2.0**tries, _LONGEST_PAUSE)  # noqa: S311 - jitter
        self._waits_for = dict(waiting.result)
        self._meter.wait(waiting.reason)
        self._stop.wait(min(max(asked, backoff), _LONGEST_PAUSE))


def _seconds_of(waiting: Outcome) -> float:
    """Return for how long a call asks to wait, in seconds."""
    asked: float = waiting.result["error"].get("retry_after_seconds") or 0.0
    return min(max(asked, 0.0), _LONGEST_PAUSE)


def _defect(error: BaseException) -> dict[str, Any]:
    kind = type(error).__name__
    summary = f"The job stopped: a call raised {kind}, which is a defect of this tool."
    return {
        "ok": False,
        "summary": summary,
        "error": {"code": BulkError.code, "next_step": "give_up", "took_effect": "unknown"},
    }
