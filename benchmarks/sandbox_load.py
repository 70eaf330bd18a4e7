"""Puts the sandbox under load: 20,000 requests on 32 kept-alive connections.

Run `python -m benchmarks.sandbox_load --full` for the full size, which writes
`benchmarks/results/sandbox_load.md`; without the flag 2,000 requests are sent and the report is
printed. It needs `pip install -e '.[dev]'` and Linux (memory is read from /proc). The sandbox and a
handler that does nothing, on the same server, each run in a process of their own.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from customerio_tool.sandbox import Options, Sandbox
from customerio_tool.sandbox.serving.http import Reply, Request, json_reply
from customerio_tool.sandbox.serving.server import Server
from tests.support.load import CONNECTIONS, Crowd, mixed

REPORT = Path(__file__).parent / "results" / "sandbox_load.md"
MODULE = "benchmarks.sandbox_load"
FULL, SMALL = 20_000, 2_000
PARTS = 4  # memory is read after each quarter
WARM = 500


class Nothing:
    """An application that answers every request with the same bytes."""

    options = Options()

    def with_fault(self, request: Request) -> Request:
        """Hit nothing."""
        return request

    def handle(self, request: Request) -> Reply:  # noqa: ARG002 - it does nothing
        """Answer as Track does."""
        return json_reply({})

    def end_waits(self) -> None:
        """There are none."""


def serve(kind: str, file: str) -> None:
    """Be the process of one server, its workspace in ``file``: print its port, and wait."""
    if kind == "nothing":
        server = Server("127.0.0.1", 0, Nothing(), None)  # type: ignore[arg-type]  # it has what the server uses
        server.start()
        port = server.port
    else:
        sandbox = Sandbox(db=file).start()
        port = int(sandbox.track_url.rpartition(":")[2])
    print(port, flush=True)  # noqa: T201 - read by the client
    signal.pause()


@dataclass(frozen=True)
class Target:
    """A server under load."""

    origin: str
    file: Path
    pid: int

    def memory(self) -> int:
        """Resident bytes of its process."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise LookupError("VmRSS")

    def stored(self) -> int:
        """Bytes of the workspace on disk, with what SQLite has yet to move into it."""
        files = self.file.parent.glob(f"{self.file.name}*")
        return sum(each.stat().st_size for each in files)


@contextmanager
def running(kind: str) -> Iterator[Target]:
    """Run a server in its own process."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "workspace.db"
        command = [sys.executable, "-m", MODULE, "serve", kind, str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
            try:
                port = int((process.stdout or sys.stdin).readline())
                yield Target(f"http://127.0.0.1:{port}", file, process.pid)
            finally:
                process.terminate()


@dataclass(frozen=True)
class Measured:
    """What one run gave: seconds in all and of each request, bytes after each quarter."""

    statuses: Counter[int]
    seconds: float
    times: list[float]
    memory: list[int]
    stored: list[int]

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds

    def milliseconds(self, share: float) -> float:
        """The time under which this share of the requests stayed."""
        return sorted(self.times)[int(share * (len(self.times) - 1))] * 1000


def measure(kind: str, request: Callable[[int], bytes], count: int) -> Measured:
    """Send so many requests after a few to warm up."""
    statuses: Counter[int] = Counter()
    times: list[float] = []
    with running(kind) as target, closing(Crowd(target.origin)) as crowd:
        crowd.send(request, range(WARM))
        memory, stored, seconds = [target.memory()], [target.stored()], 0.0
        for part in range(PARTS):
            first = WARM + count * part // PARTS
            began = perf_counter()
            found = crowd.send(request, range(first, WARM + count * (part + 1) // PARTS))
            seconds += perf_counter() - began
            statuses.update(status for status, _ in found)
            times += [taken for _, taken in found]
            memory.append(target.memory())
            stored.append(target.stored())
    return Measured(statuses, seconds, times, memory, stored)


def report(count: int) -> str:
    """Measure both and return the report."""
    request = mixed_without_server()
    runs = {"local Customer.io": "sandbox", "a handler that does nothing": "nothing"}
    measured = {name: measure(kind, request, count) for name, kind in runs.items()}
    ours = measured["local Customer.io"]
    rows = "\n".join(
        f"| {name} | {dict(run.statuses)} | {run.per_second:,.0f} | {run.milliseconds(0.5):.1f} "
        f"| {run.milliseconds(0.99):.1f} | {run.milliseconds(1):.1f} |"
        for name, run in measured.items()
    )
    quarters = range(PARTS + 1)
    growth = "\n".join(
        f"| {WARM + count * part // PARTS:,} | {ours.memory[part] / 2**20:.1f} "
        f"| {ours.stored[part] / 2**20:.1f} |"
        for part in quarters
    )
    return TEMPLATE.format(
        flag=" --full" if count == FULL else "",
        count=f"{count:,}",
        connections=CONNECTIONS,
        cores=os.cpu_count(),
        python=platform.python_version(),
        rows=rows,
        growth=growth,
        each=f"{(ours.stored[-1] - ours.stored[0]) / count:,.0f}",
        resident=f"{(ours.memory[-1] - ours.memory[1]) / (count - count // PARTS):,.0f}",
    )


def mixed_without_server() -> Callable[[int], bytes]:
    """The requests of ``mixed``, their keys those that every sandbox has by default."""
    return mixed(Sandbox())


TEMPLATE = """# The local Customer.io under load

Made by `python -m benchmarks.sandbox_load{flag}`: {count} requests on {connections} kept-alive
connections from one client process, on one machine of {cores} cores that had other work to do,
Python {python}. Of ten requests, four identify a person, five track an event and one lists
segments. The server commits each request to SQLite, and logs it, before it answers.

| Server | Answers by status | Requests per s | p50 ms | p99 ms | Longest ms |
| --- | --- | --- | --- | --- | --- |
{rows}

Client and server share the cores. The second row is an upper bound: a server that does no work.

## Memory

| After requests | Resident MB | Workspace on disk MB |
| --- | --- | --- |
{growth}

{each} bytes per request are stored on disk: the people and events, their indexes, and the request
with its body in the log (`Options.requests_kept` limits the log). The memory of the process grows
by {resident} bytes per request after the first quarter, and stops growing when SQLite's page
cache of 2 MB is full.
"""


def main(arguments: list[str]) -> None:
    """Be a server, or measure."""
    if arguments[:1] == ["serve"]:
        serve(*arguments[1:])
    elif arguments == ["--full"]:
        REPORT.write_text(report(FULL))
    else:
        print(report(SMALL))  # noqa: T201 - the point of it


if __name__ == "__main__":
    main(sys.argv[1:])
