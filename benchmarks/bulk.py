"""Bulk jobs of 1,000 to 1,000,000 rows: rows per second, and whether the memory grows.

Run `python -m benchmarks.bulk --full` for all sizes, which takes an hour on a quiet machine and
writes `benchmarks/results/bulk.json` and `bulk.md`; with `--only WAY --rows NUMBER` it runs that
and keeps the other figures. Without an option the small sizes are run and the report is printed.
It needs `pip install -e '.[dev]'` and Linux (memory is read from /proc). Each run is a process of
its own, and so is its server, which answers and does nothing else.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated, Any

import typer

from benchmarks.clients import SITE, TRACK, unpaced
from benchmarks.loopback import serving
from benchmarks.reports import machine
from benchmarks.running import resident
from customerio_tool import Backends, CustomerIoTool, bulk

RESULTS = Path(__file__).parent / "results"
JSON, PAGE = RESULTS / "bulk.json", RESULTS / "bulk.md"
MODULE = "benchmarks.bulk"
SMALL = (1_000, 10_000)
FULL = (*SMALL, 100_000, 1_000_000)
SAVED = {"site_id": SITE, "track_api_key": TRACK, "app_api_key": "app", "region": "us"}
_LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Way:
    """A way to apply rows.

    Args:
        title: What the report calls it.
        run: Applies the rows of a file at an origin.
        is_csv: Whether the rows are people in CSV; else they are events in JSON Lines.
        sizes: The sizes at which it is run.
    """

    title: str
    run: Callable[[str, Path], None]
    is_csv: bool = False
    sizes: tuple[int, ...] = FULL


@dataclass(frozen=True)
class Measured:
    """What one run took.

    Args:
        way: The key of its way.
        rows: The number of rows.
        seconds: How long it took.
        cpu: The CPU time of its process, in seconds.
        memory: How much more memory it had at its peak than before the first row, in bytes.
        load: How many processes of the whole machine wanted a core meanwhile.
    """

    way: str
    rows: int
    seconds: float
    cpu: float
    memory: float
    load: float


def row_of(number: int) -> dict[str, Any]:
    """Return the event of a row."""
    return {"customer_id": f"u{number}", "name": "order_paid", "data": {"n": number, "total": 9.5}}


def write_rows(file: Path, count: int, *, is_csv: bool) -> None:
    """Write the input of a run."""
    with file.open("w", encoding="utf-8") as rows:
        if is_csv:
            rows.write("customer_id\n")
        for number in range(count):
            rows.write(f"u{number}\n" if is_csv else f"{json.dumps(row_of(number))}\n")


def loop(origin: str, file: Path) -> None:
    """Record the events of a file as one would without this tool."""
    from customerio import CustomerIO  # type: ignore[import-untyped]

    client = CustomerIO(SITE, TRACK)
    client.base_url = f"{origin}/api/v1"
    with file.open(encoding="utf-8") as rows:
        for line in rows:
            row = json.loads(line)
            client.track(row["customer_id"], row["name"], data=row["data"])


def job(
    subtool: str, *, workers: int = 8, is_paced: bool = False, **constants: Any
) -> Callable[[str, Path], None]:
    """Return what runs a job on a file, at the vendor's rate or on a clock that holds nobody."""

    def run(origin: str, file: Path) -> None:
        saved = {**SAVED, "track_url": origin, "app_url": origin}
        backends = Backends(telemetry=()) if is_paced else unpaced(telemetry=())
        with CustomerIoTool(saved, backends=backends) as tool:
            source = bulk.Input.of(file, subtool, constants=constants)
            summary = bulk.run(tool, subtool, source, options=bulk.Options(workers=workers))
        if summary.counts.done != summary.counts.total:
            raise RuntimeError(summary.as_json())

    return run


LOOP, PACED = "loop", "paced"
WAYS: Mapping[str, Way] = {
    LOOP: Way("a plain loop over `customerio`", loop),
    "one": Way("`bulk track_event --workers 1`", job("track_event", workers=1)),
    "eight": Way("`bulk track_event --workers 8`", job("track_event")),
    "segment": Way(
        "`bulk add_to_segment`, 1,000 rows a call",
        job("add_to_segment", segment_id=1),
        is_csv=True,
    ),
    PACED: Way("`bulk track_event`", job("track_event", is_paced=True), sizes=(10_000,)),
}


def measured_here(way: str, origin: str, file: Path) -> dict[str, float]:
    """Do a run in this process, and return what it took."""
    before, began, cpu = resident(), perf_counter(), process_time()
    WAYS[way].run(origin, file)
    seconds, used = perf_counter() - began, process_time() - cpu
    return {"seconds": seconds, "cpu": used, "memory": _peak_bytes() - before}


def _peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


def measured(way: str, rows: int) -> Measured:
    """Do a run in a process of its own, its server on another core, and return what it took."""
    is_csv = WAYS[way].is_csv
    with tempfile.TemporaryDirectory() as folder, serving(core=0) as server:
        file = Path(folder) / ("rows.csv" if is_csv else "rows.jsonl")
        write_rows(file, rows, is_csv=is_csv)
        command = [sys.executable, "-m", MODULE, "--run", way, server.origin(), str(file)]
        printed, load = _ended(command)
    return Measured(way, rows, **json.loads(printed.splitlines()[-1]), load=load)


def _ended(command: list[str]) -> tuple[str, float]:
    """Run a command, and return what it printed, and the load of the machine meanwhile."""
    loads = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        while process.poll() is None:
            loads.append(_running())
            try:
                process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        printed = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RuntimeError(f"a run ended with {process.returncode}")
    return printed, statistics.mean(loads)


def _running() -> int:
    """Return how many processes run or want to."""
    return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[0])


def table(runs: Iterable[Measured]) -> str:
    """Return the rows of the table of the report."""
    order = {way: number for number, way in enumerate(WAYS)}
    found = {(run.way, run.rows): run for run in sorted(runs, key=lambda each: order[each.way])}
    return "\n".join(
        _line(run, found.get((LOOP, run.rows))) for run in found.values() if run.way != PACED
    )


def _line(run: Measured, beside: Measured | None) -> str:
    ratios = ["", ""]
    if beside and run.way != LOOP:
        ratios = [
            f"{beside.seconds / run.seconds:.2f}",
            f"{beside.cpu / run.cpu:.2f}",
        ]
    cells = [
        WAYS[run.way].title,
        f"{run.rows:,}",
        f"{run.rows / run.seconds:,.0f}",
        ratios[0],
        f"{run.cpu / run.rows * 1e6:,.0f}",
        ratios[1],
        f"{run.memory / 2**20:.1f}",
        f"{run.load:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def page(runs: Iterable[Measured], made_on: Mapping[str, Any], command: str) -> str:
    """Return the report of some runs."""
    runs = list(runs)
    paced = next((run for run in runs if run.way == PACED), None)
    told = ""
    if paced:
        told = PACED_TOLD.format(rows=paced.rows, rate=paced.rows / paced.seconds, load=paced.load)
    return TEMPLATE.format(
        **{name: made_on[name] for name in ("cores", "python", "date")},
        client=made_on["libraries"]["customerio"],
        command=command,
        table=table(runs),
        paced=told,
    )


PACED_TOLD = """
Held to the rate that Customer.io allows, as a user sees it, `bulk track_event` applied {rows:,}
rows at {rate:,.0f} rows per second, at a load of {load:.0f}.
"""
TEMPLATE = """# Bulk jobs by size

Made by `{command}` on {date}: one machine of {cores}
cores that had other work to do, Python {python}, customerio {client}. Each run is a process of its
own, on one core. Its server is on the other core of the same machine, answers and does nothing
else. The rate limits of `bulk` run their real code on a clock that is always far enough ahead, so
that they hold no row back.

Load is how many processes of the whole machine wanted a core meanwhile, on average. Beyond {cores},
each of them waits for a core now and then; a loop waits so at each of its answers. Then CPU times
compare better than rows per second. "/ loop" is how many times as many rows a way makes as the loop
at the same size: per second, which means little where their loads differ, and per second of CPU
time.

| Way | Rows | Rows per s | / loop | CPU us per row | / loop | Memory growth MB | Load |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{table}

Memory growth is the peak of the process over what it had before the first row, so it counts the
modules that are loaded then. A plain loop waits for each answer, keeps no journal and goes on
nowhere. On a network, its rows per second are one over the time of an answer; the workers of a job
wait side by side.
{paced}"""


def main(
    full: Annotated[bool, typer.Option("--full", help="All sizes; write the report.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this way; keep the others.")] = None,
    rows: Annotated[list[int] | None, typer.Option(help="Only this size; keep the others.")] = None,
    redraw: Annotated[bool, typer.Option("--redraw", help="Only write the page anew.")] = False,
    run: Annotated[tuple[str, str, Path] | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure, and print the report or write it."""
    if run:
        typer.echo(json.dumps(measured_here(*run)))
        return
    writes = bool(full or only or rows)
    sizes = rows or (FULL if writes else SMALL)
    wanted = [(way, size) for size in sizes for way in only or WAYS if size in WAYS[way].sizes]
    found = []
    for way, size in () if redraw else wanted:
        typer.echo(f"{way}, {size:,} rows ...", err=True)
        found.append(measured(way, size))
        if writes:
            _keep(found[-1])
    if writes or redraw:
        kept = json.loads(JSON.read_text(encoding="utf-8"))
        told = page([Measured(**each) for each in kept["runs"]], kept["machine"], COMMAND)
        PAGE.write_text(told, encoding="utf-8")
    else:
        typer.echo(page(found, machine(), "python -m benchmarks.bulk"))


COMMAND = "nice -n -15 taskset -c 1 python -m benchmarks.bulk --full"


def _keep(run: Measured) -> None:
    """Keep a figure beside the others, in place of an older one of the same way and size."""
    kept = json.loads(JSON.read_text(encoding="utf-8"))["runs"] if JSON.exists() else []
    others = [each for each in kept if (each["way"], each["rows"]) != (run.way, run.rows)]
    told = {"machine": machine(), "runs": [*others, asdict(run)]}
    JSON.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
