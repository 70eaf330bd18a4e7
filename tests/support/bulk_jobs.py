"""Runs `customerio-tool bulk` in processes of their own, which a test kills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from customerio_tool.sandbox import Sandbox
from tests.support.shell import MAIN, environment
from tests.support.timeouts import PATIENCE

RATES = {"CUSTOMERIO_RATES": "track=100000,send=10000,app=1000"}
"""Rates at which no row waits for its slot."""

FULL = os.environ.get("FULL") == "1"
"""Whether the tests of killed processes run at their full size."""


class Jobs:
    """Processes that work on one input.

    Args:
        sandbox: The Customer.io that they reach.
        subtool: The name of the subtool.
        file: The input.
        rates: Their rate limits.
    """

    def __init__(
        self, sandbox: Sandbox, subtool: str, file: Path, rates: Mapping[str, str] = RATES
    ) -> None:
        self._sandbox = sandbox
        self._command = [sys.executable, "-c", MAIN, "bulk", subtool, str(file)]
        self._env = {**os.environ, **environment(sandbox.connection()), **rates}
        self.file = file
        self._seen = 0

    @contextmanager
    def started(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """Start a process; it is killed at the end if it still runs."""
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [*self._command, "--workers", "4", "--json", *options]
        with subprocess.Popen(command, env=self._env, text=True, **pipes) as process:
            try:
                yield process
            finally:
                process.kill()

    def killed_after(self, requests: int, *options: str) -> None:
        """Start a process, and kill it once that many more requests came."""
        seen = self.requests()
        with self.started(*options) as process:
            self.wait_until(lambda: self.requests() >= seen + requests, process)

    def finished(self, *options: str) -> dict[str, Any]:
        """Run a process to its end, and return its last event."""
        with self.started(*options) as process:
            return ended(process)

    def wait_until(self, is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        """Wait until something is so, or the process has ended."""
        patience = time.monotonic() + PATIENCE * (10 if FULL else 1)
        while not is_so() and process.poll() is None:
            assert time.monotonic() < patience
            time.sleep(0.01)

    def requests(self) -> int:
        """Return how many requests came, also those that the log no longer has."""
        for each in self._sandbox.requests(after=self._seen):
            self._seen = max(self._seen, each["n"])
        return self._seen


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the end of a process, and return its last event."""
    printed, told = process.communicate(timeout=PATIENCE * 10)
    assert printed, told
    last: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return last
