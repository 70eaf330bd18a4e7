"""Bulk jobs of 1,000 to 1,000,000 rows: rows per second, and whether the memory grows.

Run `python -m benchmarks.bulk --full` for the full size, which takes ten minutes and writes
`benchmarks/results/bulk.md`; without the flag the small sizes are run and the report is printed. It
needs `pip install -e '.[dev]'` and Linux (memory is read from /proc). Each run is a process of its
own, and so is the server, which answers and does nothing else.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import run
from time import perf_counter, process_time
from typing import Any

from benchmarks.sandbox_load import running
from customerio_tool import Backends, CustomerIoTool, bulk
from customerio_tool.backends.pacing.local import LocalLimiter

REPORT = Path(__file__).parent / "results" / "bulk.md"
MODULE = "benchmarks.bulk"
SIZES = {"plain": (1_000, 10_000), "events": (1_000, 10_000), "segment": (1_000, 10_000)}
FULL: Mapping[str, tuple[int, ...]] = {
    "plain": (1_000, 10_000),
    "events": (1_000, 10_000, 100_000),
    "segment": (1_000, 10_000, 100_000, 1_000_000),
}
NAMES = {
    "plain": "a plain loop over `customerio`, one event a row",
    "events": "`bulk track_event`, 8 workers",
    "segment": "`bulk add_to_segment`, 1,000 rows a call",
}
SAVED = {
    "site_id": "site",
    "track_api_key": "track-key",
    "app_api_key": "app-key",
    "region": "us",
}


def row_of(number: int) -> dict[str, Any]:
    """Return the event of a row."""
    return {"customer_id": f"u{number}", "name": "order_paid", "data": {"n": number, "total": 9.5}}


def write_rows(file: Path, kind: str, count: int) -> None:
    """Write the input of a run."""
    with file.open("w", encoding="utf-8") as rows:
        if kind == "segment":
            rows.write("customer_id\n")
        for number in range(count):
            row = f"u{number}" if kind == "segment" else json.dumps(row_of(number))
            rows.write(f"{row}\n")


def plain(origin: str, file: Path) -> None:
    """Record the events of a file as one would without this tool."""
    from customerio import CustomerIO  # type: ignore[import-untyped]

    client = CustomerIO("site", "track-key")
    client.base_url = f"{origin}/api/v1"
    with file.open(encoding="utf-8") as rows:
        for line in rows:
            row = json.loads(line)
            client.track(row["customer_id"], row["name"], data=row["data"])


def job(origin: str, file: Path, subtool: str, constants: Mapping[str, Any]) -> None:
    """Run a bulk job on a file, with no limit of its rate."""
    saved = {**SAVED, "track_url": origin, "app_url": origin}
    limiter = LocalLimiter(rates={"track": 10**6})
    with CustomerIoTool(saved, backends=Backends(limiter=limiter, telemetry=())) as tool:
        source = bulk.Input.of(file, subtool, constants=constants)
        summary = bulk.run(tool, subtool, source)
    if summary.counts.pending or summary.counts.rejected:
        raise RuntimeError(summary.as_json())


RUNS: Mapping[str, Callable[[str, Path], None]] = {
    "plain": plain,
    "events": lambda origin, file: job(origin, file, "track_event", {}),
    "segment": lambda origin, file: job(origin, file, "add_to_segment", {"segment_id": 1}),
}


def measured_here(kind: str, origin: str, file: Path) -> dict[str, float]:
    """Do a run in this process, and return what it took."""
    began, cpu = perf_counter(), process_time()
    RUNS[kind](origin, file)
    return {
        "seconds": perf_counter() - began,
        "cpu": process_time() - cpu,
        "peak": _peak_bytes(),
    }


def _peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


def measured(kind: str, count: int) -> dict[str, float]:
    """Do a run in a process of its own, and return what it took."""
    extension = "csv" if kind == "segment" else "jsonl"
    with tempfile.TemporaryDirectory() as folder, running("nothing") as server:
        file = Path(folder) / f"rows.{extension}"
        write_rows(file, kind, count)
        command = [sys.executable, "-m", MODULE, "run", kind, server.origin, str(file)]
        ended = run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


def report(sizes: Mapping[str, tuple[int, ...]], flag: str) -> str:
    """Measure, and return the report."""
    rows = []
    for kind, counts in sizes.items():
        for count in counts:
            found = measured(kind, count)
            rows.append(
                f"| {NAMES[kind]} | {count:,} | {count / found['seconds']:,.0f} "
                f"| {found['cpu'] / count * 1e6:,.0f} | {found['peak'] / 2**20:.0f} |"
            )
    return TEMPLATE.format(
        flag=flag, cores=os.cpu_count(), python=platform.python_version(), rows="\n".join(rows)
    )


TEMPLATE = """# Bulk jobs by size

Made by `python -m benchmarks.bulk{flag}`, on one machine of {cores} cores that had other work to
do, Python {python}. Each run is a process of its own. The server is on the same machine, answers
and does nothing else. No rate limit holds the rows back: Customer.io permits about 1,000 Track
calls per second.

| Way | Rows | Rows per s | CPU us per row | Peak memory MB |
| --- | --- | --- | --- | --- |
{rows}

A plain loop waits for each answer, keeps no journal and goes on nowhere. On a network, its rows per
second are one over the time of an answer; the workers of a job wait side by side. The memory of a
job does not grow with its rows.
"""


def main(arguments: list[str]) -> None:
    """Be one run, or measure all."""
    if arguments[:1] == ["run"]:
        kind, origin, file = arguments[1:]
        print(json.dumps(measured_here(kind, origin, Path(file))))  # noqa: T201 - read by the other
    elif "--full" in arguments:
        REPORT.write_text(report(FULL, " --full"), encoding="utf-8")
    else:
        print(report(SIZES, ""))  # noqa: T201 - it is what was asked for


if __name__ == "__main__":
    main(sys.argv[1:])
