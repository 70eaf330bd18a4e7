"""One run of the benchmarks: its server, its sizes, and programs in fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from benchmarks.loopback import Server, serving

T = TypeVar("T")

ROOT = Path(__file__).parents[1]

VARIABLES = 30
"""How many environment variables there are: requests walks through all of them in each call."""

_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")


@dataclass(frozen=True)
class Run:
    """What a scenario measures on.

    Args:
        server: The server on loopback.
        is_short: Whether the sizes are small.
    """

    server: Server
    is_short: bool = False

    def size(self, short: T, full: T) -> T:
        """Return the size for this run."""
        return short if self.is_short else full


@contextmanager
def ground(*, is_short: bool) -> Iterator[Run]:
    """Set the environment and start the server, on a core of its own where there are two."""
    _set_environment()
    cores = sorted(os.sched_getaffinity(0))
    with serving(core=cores[-1] if len(cores) > 1 else None) as server:
        if len(cores) > 1:
            os.sched_setaffinity(0, set(cores[:1]))
        try:
            yield Run(server, is_short)
        finally:
            os.sched_setaffinity(0, set(cores))


def _set_environment() -> None:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    for number in range(VARIABLES - len(kept)):
        os.environ[f"SERVICE_{number}_PORT"] = "tcp://10.0.0.1:8080"


_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder, in memory where the machine allows it: no disk is measured."""
    with TemporaryDirectory(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as made:
        yield Path(made)


def fresh(*arguments: str, path: Path | None = None) -> Any:
    """Run Python with these arguments in a fresh process, and return the JSON that it prints.

    Args:
        arguments: What follows the name of the interpreter.
        path: The folder with all that is installed; None for what this process has.
    """
    alone = () if path is None else ("-S",)
    found = {} if path is None else {"PYTHONPATH": f"{path}{os.pathsep}{ROOT}"}
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, *alone, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **found},
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def resident() -> int:
    """Return the resident bytes of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - read many times
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
