"""Tells a person, or a program, how a job goes and how it ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from customerio_tool.doors.bulk.checking import Checked
from customerio_tool.doors.bulk.engine import Hooks
from customerio_tool.doors.bulk.progress import Progress
from customerio_tool.doors.bulk.rows import Outcome
from customerio_tool.doors.bulk.running import Summary
from customerio_tool.doors.cli.exit_codes import Exit, exit_of_call
from customerio_tool.doors.shown import plainly

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


def write_event(event: str, **members: Any) -> None:
    """Write one event for a program, on a line of its own."""
    typer.echo(json.dumps({"event": event, **members}))


@contextmanager
def told(*, as_json: bool) -> Iterator[Hooks]:
    """Yield what tells how a job goes: events, or a bar at a terminal, or nothing."""
    if as_json:
        yield Hooks(_progress_event, _row_event)
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield Hooks(_shown_in(bar))
    else:
        yield Hooks()


def _progress_event(progress: Progress) -> None:
    counts = progress.counts
    left = progress.seconds_left
    write_event(
        "progress",
        total=counts.total,
        done=counts.done,
        rejected=counts.rejected,
        unknown=counts.unknown,
        pending=counts.pending,
        rows_per_second=round(progress.per_second, 1),
        seconds_left=None if left is None else round(left),
        waiting=progress.waiting,
    )


def _row_event(outcome: Outcome) -> None:
    about = {"row": outcome.row.number, "state": outcome.state}
    write_event("row", **about, code=outcome.code, reason=outcome.reason)


def _bar() -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar  # each command would wait for it

    return Bar(
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[why]}", style="yellow"),
        console=Console(stderr=True),
        transient=True,
    )


def _shown_in(bar: Bar) -> Callable[[Progress], None]:
    task = bar.add_task("", total=None, pace="", why="")

    def show(progress: Progress) -> None:
        left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
        bar.update(
            task,
            total=progress.counts.total,
            completed=progress.counts.settled,
            pace=f"{progress.per_second:,.0f} rows/s{left}",
            why=plainly(progress.waiting),
        )

    return show


def duration(seconds: float) -> str:
    """Return a time in words: `40 s`, `12 min` or `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


_ENDINGS = {
    "interrupted": "Stopped after the rows in flight. Run the same command to go on.",
    "cancelled": "The job was cancelled. Run the same command to go on all the same.",
    "waiting": "No row could be applied for a while. Run the same command later to go on.",
}


def tell_summary(summary: Summary) -> None:
    """Print how a job stands after a run, and what to do next."""
    for line in _lines(summary):
        typer.echo(plainly(line))


def _lines(summary: Summary) -> Iterator[str]:
    counts, seconds = summary.counts, summary.seconds
    parts = [f"{counts.done:,} of {counts.total:,} rows done"]
    parts += [
        f"{number:,} {word}"
        for word in ("rejected", "unknown", "pending")
        if (number := getattr(counts, word))
    ]
    yield f"{', '.join(parts)} ({duration(seconds)})"
    if path := summary.files.get("rejected"):
        yield f"Rejected: {path} says why. Correct a copy of it, and run that."
    if path := summary.files.get("unknown"):
        yield (
            f"Unknown: {path} names them. Look whether they were applied; with --resend-unknown "
            "all of them go again."
        )
    if summary.result:
        lead = _ENDINGS["waiting"] if summary.ending == "waiting" else "Stopped:"
        then = "" if summary.ending == "waiting" else " Then run the same command to go on."
        yield f"{lead} {summary.result['summary']}{then}"
    elif summary.ending in _ENDINGS:
        yield _ENDINGS[summary.ending]


def exit_of(summary: Summary) -> Exit:
    """Return the exit code of a run."""
    if summary.result is not None:
        return exit_of_call(summary.result)
    if summary.ending == "interrupted":
        return Exit.INTERRUPTED
    if summary.ending == "waiting":
        return Exit.SERVICE
    if summary.ending == "cancelled":
        return Exit.POLICY
    if summary.counts.unknown:
        return Exit.UNKNOWN
    return Exit.OTHER if summary.counts.rejected else Exit.OK


def tell_check(checked: Checked) -> None:
    """Print what is known of an input before anything is sent."""
    valid = checked.rows - checked.rejected
    calls = "1 call" if checked.calls == 1 else f"{checked.calls:,} calls"
    typer.echo(
        f"{valid:,} of {checked.rows:,} rows are valid: {calls}, at least "
        f"{duration(checked.seconds)} by the rate limit. Nothing was sent."
    )
    for each in checked.rejects:
        typer.echo(plainly(f"  row {each['row']}: {each['reason']}"))
    more = checked.rejected - len(checked.rejects)
    if more > 0:
        typer.echo(f"  and {more:,} more")


def tell_jobs(jobs: Sequence[Mapping[str, Any]]) -> None:
    """Print how jobs stand."""
    for each in jobs:
        counts = ", ".join(f"{each[name]:,} {name}" for name in ("done", "rejected", "unknown"))
        typer.echo(
            f"{each['job']}  {each['subtool']}  {each['state']}: {counts}, "
            f"{each['pending']:,} pending of {each['total']:,}"
        )
