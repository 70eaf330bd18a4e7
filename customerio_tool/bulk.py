"""Bulk: one subtool over many rows, each applied once: `run` on a file, `run_rows` in a task."""

from customerio_tool.doors.bulk.engine import Hooks
from customerio_tool.doors.bulk.job import (
    BulkError,
    InputChanged,
    InputInvalid,
    Job,
    JobBusy,
    JobUnknown,
    JournalLost,
)
from customerio_tool.doors.bulk.preparing import joined, prepared, run
from customerio_tool.doors.bulk.progress import Progress
from customerio_tool.doors.bulk.reading import Input
from customerio_tool.doors.bulk.rows import Outcome, Row
from customerio_tool.doors.bulk.run_rows import run_rows
from customerio_tool.doors.bulk.running import Options, Summary
from customerio_tool.doors.bulk.work import Counts

__all__ = [
    "BulkError",
    "Counts",
    "Hooks",
    "Input",
    "InputChanged",
    "InputInvalid",
    "Job",
    "JobBusy",
    "JobUnknown",
    "JournalLost",
    "Options",
    "Outcome",
    "Progress",
    "Row",
    "Summary",
    "joined",
    "prepared",
    "run",
    "run_rows",
]
