"""Worker processes that take slots as fast as they get them, and what they got.

Run as a program this is one worker: it takes slots of one bucket through Redis and reads the
segments of a local Customer.io with each.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from customerio_tool.pacing import LocalLimiter, Pacer
from customerio_tool.redis_pacing import RedisLimiter
from customerio_tool.spec import Pace

ROOT = Path(__file__).parent.parent
WORKERS = 6
MAX_WAIT = 10.0
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
        for process in self._processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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


def work(acquire: Callable[[], Any], send: Callable[[], int]) -> None:
    """Be one worker of a crew: acquire and send until it is time to stop, then tell."""
    warnings = Warnings()
    logging.getLogger("customerio_tool").addHandler(warnings)
    print("ready", flush=True)  # noqa: T201 - the crew waits for this line
    begin, end = map(float, sys.stdin.readline().split())
    time.sleep(max(0.0, begin - time.monotonic()))
    times, statuses = [], []
    while time.monotonic() < end:
        acquire()
        times.append(time.monotonic())
        statuses.append(send())
    print(json.dumps(Work(times, warnings.texts, statuses).__dict__))  # noqa: T201 - the result


def main(redis_url: str, bucket: str, app_url: str, app_api_key: str) -> None:
    # Once `CustomerIoTool` paces its calls, `tool.call("list_segments")` takes the place of both.
    pacer = Pacer(RedisLimiter(redis_url, fallback=LocalLimiter()))
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {app_api_key}"
    work(
        lambda: pacer.wait(bucket, Pace.APP, MAX_WAIT),
        lambda: session.get(f"{app_url}/v1/segments", timeout=10).status_code,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
