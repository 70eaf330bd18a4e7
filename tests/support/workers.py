"""Worker processes of tests: each says that it is ready, and then a line for each answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.project import ROOT


@contextmanager
def ready(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a module as a worker process which is ready for its line, and kill it at the end."""
    command = [sys.executable, "-m", module, *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        try:
            assert said(process) == "ready"
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line of a worker."""
    assert process.stdout is not None
    return process.stdout.readline().strip()
