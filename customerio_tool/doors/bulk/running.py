"""One run of a job: it works, and writes what was left out."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from customerio_tool.doors.bulk.caller import Caller, tool_for
from customerio_tool.doors.bulk.engine import PATIENCE_SECONDS, Ended, Engine, Hooks
from customerio_tool.doors.bulk.job import Job, JournalLost
from customerio_tool.doors.bulk.work import Counts, Work
from customerio_tool.tool import CustomerIoTool


def file_of(folder: Path, job: str, state: str) -> Path:
    """Return the file of a job's rows in a state; another job in the folder has its own."""
    return folder / f"{state}-{job[:8]}.jsonl"


@dataclass(frozen=True)
class Options:
    """How to run a job.

    Args:
        workers: How many threads make calls.
        resend_unknown: Whether a person let the rows go again whose outcome is unknown.
        changed: Whether the file is another one on purpose, so that its rows are another job's.
        new: Whether to begin anew, although a job on this very input was begun.
        has_agreed: Whether a person agreed to the whole job.
        patience: How long to go on although no row can be settled, in seconds.
    """

    workers: int = 8
    resend_unknown: bool = False
    changed: bool = False
    new: bool = False
    has_agreed: bool = False
    patience: float = PATIENCE_SECONDS


@dataclass(frozen=True)
class Summary:
    """How a job stands after a run.

    Args:
        job: Its id.
        subtool: The name of its subtool.
        ending: How the run ended; see `Ending`.
        counts: Its rows by state.
        seconds: How long the run took.
        files: The files of the rows that were left out, by state.
        result: The failure envelope of what stopped it, or what it waits for, if it is known.
    """

    job: str
    subtool: str
    ending: str
    counts: Counts
    seconds: float
    files: Mapping[str, Path] = field(default_factory=dict)
    result: Mapping[str, Any] | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as a JSON object."""
        counts = {name: getattr(self.counts, name) for name in _COUNTS}
        files = {f"{state}_file": str(path) for state, path in self.files.items()}
        error = {} if self.result is None else {"stopped_by": dict(self.result)}
        about = {"job": self.job, "subtool": self.subtool, "ending": self.ending}
        return {**about, **counts, "seconds": round(self.seconds, 1), **files, **error}


_LEFT_OUT = ("rejected", "unknown")
_COUNTS = ("total", "done", "rejected", "unknown", "pending")


class Run:
    """One run of a job on an input, in this process alone or with others.

    `prepared` makes one.

    Args:
        tool: The tool, whose policy and stores hold.
        job: The job.
        work: Hands out its rows.
        folder: Where the files of rows that were left out are written; None writes none.
        options: How to run it.
    """

    def __init__(
        self, tool: CustomerIoTool, job: Job, work: Work, folder: Path | None, options: Options
    ) -> None:
        self.job = job
        self.work = work
        self._tool = tool
        self._folder = folder
        self._options = options
        self._engine: Engine | None = None
        self._is_given_up = False

    def agree(self) -> None:
        """Keep that a person agreed to the whole job."""
        self.work.agree()
        self.job = replace(self.job, has_agreed=True)

    def stop(self) -> None:
        """End after the calls in flight; the second time, give those up too."""
        if self._engine is None or self._engine.is_stopping:
            self._is_given_up = True
        if self._engine:
            self._engine.stop()

    def run(self, hooks: Hooks | None = None) -> Summary:
        """Work on the job, and write the files of the rows that were left out.

        Raises:
            CustomerIoError: The policy does not allow the subtool.
            ConfirmationRequired: The policy confirms such calls, and nobody agreed to the job.
            BulkError: What keeps the rows cannot be used, or the input changed.
        """
        began = time.monotonic()
        with tool_for(self._tool, self.job) as tool:
            caller = Caller(tool, self.job, cancelled=lambda: self._is_given_up)
            self._engine = Engine(
                self.work,
                caller,
                workers=self._options.workers,
                patience=self._options.patience,
                hooks=hooks,
            )
            try:
                ended = self._engine.run()
            except JournalLost:
                raise  # what keeps the rows is away: the files stay as they are
            except BaseException:
                self._written()
                raise
            files = self._written()
        return self._summary(ended, time.monotonic() - began, files)

    def _summary(self, ended: Ended, seconds: float, files: Mapping[str, Path]) -> Summary:
        job = self.job
        return Summary(
            job.id, job.subtool, ended.ending, ended.counts, seconds, files, ended.result
        )

    def _written(self) -> dict[str, Path]:
        """Write the rows that were left out, and return the files that are not empty."""
        if self._folder is None:
            return {}
        files = {state: file_of(self._folder, self.job.id, state) for state in _LEFT_OUT}
        try:
            return {
                state: path
                for state, path in files.items()
                if _write_lines(path, self.work.left_out(state))
            }
        except OSError as error:
            raise JournalLost(
                f"The rows that were left out cannot be written ({error.strerror}); the journal "
                "has them. Mend that and run the same command."
            ) from None


def _write_lines(path: Path, lines: Iterator[Mapping[str, Any]]) -> bool:
    """Write a file of JSON Lines, which appears whole; without a line there is no file."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    count = 0
    try:
        # Half a surrogate pair, which UTF-8 cannot hold, is written as the escape of JSON.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
        if count:
            Path(draft).replace(path)
        else:
            path.unlink(missing_ok=True)
    finally:
        Path(draft).unlink(missing_ok=True)
    return count > 0
