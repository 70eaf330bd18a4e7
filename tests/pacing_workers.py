"""Worker processes that call as fast as they are let through, and what they met.

Run as a program this is one worker: a `CustomerIoTool` that shares its limits through Redis and
lists the segments of a local Customer.io again and again.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from customerio_tool import CustomerIoTool
from customerio_tool.redis_pacing import REDIS_URL_VARIABLE
from customerio_tool.telemetry import Attempt, CallStart, LogTelemetry

ROOT = Path(__file__).parent.parent
WORKERS = 6
START_SECONDS = 0.2


@dataclass(frozen=True)
class Work:
    """What one worker did: when it was let through (machine-wide monotonic clock), what it met."""

    times: list[float]
    warnings: list[str]
    statuses: list[int]


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
            process.kill()
            process.communicate()

    def begin(self, seconds: float) -> float:
        """Let all begin together and work for so long; return when they begin."""
        at = time.monotonic() + START_SECONDS
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{at} {at + seconds}\n")
            process.stdin.flush()
        return at

    def finish(self) -> list[Work]:
        """Wait for all and return what each did."""
        outputs = [process.communicate()[0] for process in self._processes]
        assert [process.returncode for process in self._processes] == [0] * WORKERS
        return [Work(**json.loads(output)) for output in outputs]


class Warnings(logging.Handler):
    """Keeps the text of warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def work(call: Callable[[], tuple[float, int]]) -> None:
    """Be one worker of a crew: call until it is time to stop, then tell.

    `call` returns when it was let through, by the machine-wide monotonic clock, and the status.
    """
    warnings = Warnings()
    logging.getLogger("customerio_tool").addHandler(warnings)
    print("ready", flush=True)  # noqa: T201 - the crew waits for this line
    begin, end = map(float, sys.stdin.readline().split())
    time.sleep(max(0.0, begin - time.monotonic()))
    calls = []
    while time.monotonic() < end:
        calls.append(call())
    times, statuses = [at for at, _ in calls], [status for _, status in calls]
    print(json.dumps(Work(times, warnings.texts, statuses).__dict__))  # noqa: T201 - the result


class Sent(LogTelemetry):
    """Remembers the last exchange, and logs as usual."""

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        self.last = attempt


def main(redis_url: str, saved: str) -> None:
    os.environ[REDIS_URL_VARIABLE] = redis_url
    sent = Sent()
    tool = CustomerIoTool(json.loads(saved), telemetry=[sent], clock=time.monotonic)

    def call() -> tuple[float, int]:
        tool.call("list_segments")
        return sent.last.started_at, sent.last.status or 0

    work(call)


if __name__ == "__main__":
    main(*sys.argv[1:])
