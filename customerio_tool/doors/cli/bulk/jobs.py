"""The commands `bulk status` and `bulk cancel`."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from customerio_tool.doors.bulk.job import KEPT_SECONDS
from customerio_tool.doors.bulk.journal import Journal, Kept
from customerio_tool.doors.bulk.preparing import JOURNAL, folder_of
from customerio_tool.doors.bulk.streams import StreamJob, jobs_in
from customerio_tool.doors.cli.bulk.telling import tell_jobs
from customerio_tool.doors.cli.display import fail, fail_with, write_json
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.options import AsJson
from customerio_tool.errors import CustomerIoError

What = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE_OR_JOB", help="The file of the job, or its folder; with --redis its id."
    ),
]
Redis = Annotated[str | None, typer.Option(metavar="URL", help="The Redis that has the job.")]

_NUMBERS = ("total", "done", "rejected", "unknown")


def status(what: What = None, redis: Redis = None, as_json: AsJson = False) -> None:
    """Show how the jobs on a file stand, or those in a Redis."""
    try:
        jobs = _in_redis(redis, what) if redis else _on_file(_named(what))
    except (CustomerIoError, ImportError, ValueError) as error:
        _end(error)
    if as_json:
        write_json(jobs)
    elif jobs:
        tell_jobs(jobs)
    else:
        typer.echo("There is no job.")


def cancel(what: What = None, redis: Redis = None) -> None:
    """Cancel a job: all who work on it end after the rows in flight.

    What was applied stays. The command that ran the job goes on with it.
    """
    try:
        if redis:
            with closing(StreamJob(redis, _named(what))) as stream:
                stream.must_be_known()
                stream.set("cancelled", 1)
        else:
            _cancel_on_file(_named(what))
    except (CustomerIoError, ImportError, ValueError) as error:
        _end(error)
    typer.echo("Cancelled: whoever works on it ends after the rows in flight.")


def _end(error: Exception) -> None:
    if isinstance(error, CustomerIoError):
        fail_with(error.as_result(), has_sandbox=False)
    fail(str(error), Exit.CONNECTION)


def _named(what: str | None) -> str:
    if not what:
        raise typer.BadParameter("name the file of the job, or with --redis its id")
    return what


def _journal(file: str) -> Journal:
    path = Path(file)
    folder = path if path.is_dir() else folder_of(path)
    if not (folder / JOURNAL).exists():
        fail(f"No job was run on {file}.", Exit.ARGUMENTS)
    return Journal(folder / JOURNAL)


def _on_file(file: str) -> list[dict[str, Any]]:
    journal = _journal(file)
    try:
        return [_of_kept(each) for each in journal.jobs()]
    finally:
        journal.close()


def _cancel_on_file(file: str) -> None:
    journal = _journal(file)
    try:
        pending = [each for each in journal.jobs() if each.counts.pending]
        if not pending:
            fail("Nothing is left to cancel: all rows are settled.", Exit.ARGUMENTS)
        journal.cancel(pending[0].id)
    finally:
        journal.close()


def _of_kept(kept: Kept) -> dict[str, Any]:
    counts = {name: getattr(kept.counts, name) for name in (*_NUMBERS, "pending")}
    about = {"job": kept.id, "subtool": kept.subtool, "state": _state(kept)}
    return {**about, **counts}


def _state(kept: Kept) -> str:
    if kept.is_shared:
        return "in Redis"
    if not kept.counts.pending:
        return "finished"
    if kept.is_cancelled:
        return "cancelled"
    return "stale" if time.time() - kept.worked_at > KEPT_SECONDS else "pending"


def _in_redis(url: str, job: str | None) -> list[dict[str, Any]]:
    return [_of_told(each) for each in jobs_in(url) if job in (None, each["job"])]


def _of_told(told: dict[str, str]) -> dict[str, Any]:
    counts = {name: int(told[name]) for name in _NUMBERS}
    pending = counts["total"] - sum(counts[name] for name in _NUMBERS[1:])
    state = "cancelled" if told.get("cancelled") == "1" else "pending" if pending else "finished"
    about = {"job": told["job"], "subtool": told["subtool"], "state": state}
    return {**about, **counts, "pending": pending}
