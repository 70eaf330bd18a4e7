"""Worker processes that call as fast as they are let through, and what they met.

Run as a program this is one worker: a `CustomerIoTool` that shares its limits through Redis and
lists the segments of a local Customer.io again and again.
"""

from __future__ import annotations

import json
import logging
import select
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from types import TracebackType

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.pacing.slots import Limiter, Slot
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.backends.telemetry.events import Attempt, CallStart
from customerio_tool.backends.telemetry.log import LogTelemetry
from customerio_tool.deadline import Clock, Timeouts
from customerio_tool.subtools.declare import Pace
from tests.support.project import ROOT
from tests.support.timeouts import PATIENCE

WORKERS = 6
START_SECONDS = 0.2


@dataclass(frozen=True)
class Work:
    """What one worker did: when it was let through (machine-wide monotonic clock), what it met."""

    times: list[float]
    warnings: list[str]
    statuses: list[int]
    slots: list[Slot] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    @classmethod
    def read(cls, output: str) -> Work:
        told = json.loads(output)
        return cls(**{**told, "slots": [Slot(**slot) for slot in told["slots"]]})


def most_in(times: list[float], seconds: float) -> int:
    """The most grants in any window of so many seconds, as a strict server would count them."""
    ordered = sorted(times)
    return max(bisect_right(ordered, t + seconds) - i for i, t in enumerate(ordered))


class Crew:
    """Six workers of one program, which begin together once all are ready."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._processes = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
            )
            for _ in range(WORKERS)
        ]

    def __enter__(self) -> Crew:
        with ExitStack() as ends:
            ends.callback(self._end)  # of those that began, where one does not
            for process in self._processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            ends.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        for process in self._processes:
            with process:
                process.kill()

    def begin(self, seconds: float) -> float:
        """Let all begin together and work for so long, and until `finish`; return the begin."""
        at = time.monotonic() + START_SECONDS
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{at} {at + seconds}\n")
            process.stdin.flush()
        return at

    def finish(self) -> list[Work]:
        """Tell all that they may stop, wait for them and return what each did."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
            process.stdin = None  # or communicate would flush it
        outputs = [process.communicate()[0] for process in self._processes]
        assert [process.returncode for process in self._processes] == [0] * WORKERS
        return [Work.read(output) for output in outputs]


class Warnings(logging.Handler):
    """Keeps the text of warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def work(
    call: Callable[[], tuple[float, int]],
    slots: list[Slot] | None = None,
    delays: list[float] | None = None,
) -> None:
    """Be one worker of a crew: call until it is time to stop, then tell.

    `call` returns when it was let through, by the machine-wide monotonic clock, and the status; it
    may add its slot to `slots`, and to `delays` what it took from one request to the next beyond
    waiting for slots.
    """
    warnings = Warnings()
    logging.getLogger("customerio_tool").addHandler(warnings)
    print("ready", flush=True)  # noqa: T201 - the crew waits for this line
    begin, end = map(float, sys.stdin.readline().split())
    time.sleep(max(0.0, begin - time.monotonic()))
    calls = []
    while time.monotonic() < end or not _may_stop():
        calls.append(call())
    times, statuses = [at for at, _ in calls], [status for _, status in calls]
    done = Work(times, warnings.texts, statuses, slots or [], delays or [])
    print(json.dumps(asdict(done)))  # noqa: T201 - the result


def _may_stop() -> bool:
    """Tell whether the crew has closed our standard input."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


class Sent(LogTelemetry):
    """Remembers the last exchange, and logs as usual."""

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        self.last = attempt


class Noting:
    """A limiter that remembers the last slot it gave, and how long to wait for all together."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self.is_valid, self.shortest_wait = limiter.is_valid, limiter.shortest_wait
        self.pause = limiter.pause
        self.seconds = 0.0

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        slot = self._limiter.reserve(bucket, pace, max_wait)
        if slot is not None:
            self.last = slot
            self.seconds += slot.seconds
        return slot


def main(redis_url: str, saved: str) -> None:
    sent = Sent()
    noting = Noting(Backends.from_env({REDIS_URL_VARIABLE: redis_url}).limiter)
    tool = CustomerIoTool(
        json.loads(saved),
        backends=Backends(limiter=noting, telemetry=[sent]),
        clock=Clock(now=time.monotonic),
        timeouts=Timeouts(connect=PATIENCE / 2, read=PATIENCE / 2),
    )
    slots: list[Slot] = []
    delays: list[float] = []

    def call() -> tuple[float, int]:
        begin = sent.last.started_at if slots else time.monotonic()
        waited = noting.seconds
        tool.call("list_segments", context=CallContext(deadline_seconds=2 * PATIENCE))
        slots.append(noting.last)
        delays.append(sent.last.started_at - begin - (noting.seconds - waited))
        return sent.last.started_at, sent.last.status or 0

    work(call, slots, delays)


if __name__ == "__main__":
    main(*sys.argv[1:])
