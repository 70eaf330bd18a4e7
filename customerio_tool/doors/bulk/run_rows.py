"""`run_rows`, the calls of some rows as a plain function, for those who have an orchestrator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customerio_tool.doors.bulk.caller import Caller, tool_for
from customerio_tool.doors.bulk.grouping import Grouping, Unit
from customerio_tool.doors.bulk.job import Job
from customerio_tool.doors.bulk.rows import Outcome, Row
from customerio_tool.tool import CustomerIoTool


def run_rows(
    job: Job,
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    *,
    tool: CustomerIoTool | None = None,
) -> list[Outcome]:
    """Apply some rows of a job, one after the other; it may run twice with the same rows.

    A task of Celery, Airflow or Temporal calls it. That delivers rows at least once; the ids that
    are made from job and number keep each to one effect. An event has an `event_id`, and a message
    an `idempotency_key`, which needs a ledger that all workers share. It keeps no journal.

    Args:
        job: The job. Its id and the numbers of the rows must be the same when it runs again.
        rows: Each row's number, from 1, and its arguments.
        tool: The tool; by default `CustomerIoTool.from_env()`, which is closed at the end.

    Returns:
        What became of each row. Those that are `waiting` are to be run again later; the calls after
        one that is `stopped` were not made, and their rows are `waiting`.

    Raises:
        ConnectionInvalid: The environment's connection cannot be used.
        CustomerIoError: The policy does not allow the subtool.
        ConfirmationRequired: The policy confirms such calls, and nobody agreed to the job.
        JournalLost: The job sends, and the ledger of the tool would not outlive this process.
    """
    if tool is None:
        with CustomerIoTool.from_env() as own:
            return run_rows(job, rows, tool=own)
    with tool_for(tool, job) as under:
        return list(_outcomes(Caller(under, job), job, rows))


def _outcomes(
    caller: Caller, job: Job, rows: Iterable[tuple[int, Mapping[str, Any]]]
) -> Iterable[Outcome]:
    grouping, stopped = Grouping(job), None
    made = [each for n, given in rows for each in grouping.units([Row(n, given)])]
    for each in [*made, *grouping.rest()]:
        if not isinstance(each, Unit):
            yield each
        elif stopped:
            yield from (Outcome(row, "waiting", stopped) for row in each.rows)
        else:
            ended = caller.outcomes(each)
            stopped = next((e.result for e in ended if e.state == "stopped"), None)
            yield from ended
