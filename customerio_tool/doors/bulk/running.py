"""Runs a job on an input: finds or begins it, works, and writes what was left out."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.doors.bulk.caller import Caller, tool_for
from customerio_tool.doors.bulk.engine import PATIENCE_SECONDS, Ended, Engine, Hooks
from customerio_tool.doors.bulk.file_work import FileWork
from customerio_tool.doors.bulk.job import (
    KEPT_SECONDS,
    InputChanged,
    Job,
    JournalLost,
    job_id,
)
from customerio_tool.doors.bulk.journal import Journal, Kept, alone
from customerio_tool.doors.bulk.reading import Input
from customerio_tool.doors.bulk.work import Counts, Work
from customerio_tool.subtools.declare import Effect
from customerio_tool.tool import CustomerIoTool

JOURNAL, LOCK, LEDGER = "journal.sqlite", "lock.sqlite", "sends.sqlite"
REJECTED, UNKNOWN = "rejected.jsonl", "unknown.jsonl"


@dataclass(frozen=True)
class Options:
    """How to run a job.

    Args:
        workers: How many threads make calls.
        resend_unknown: Whether a person let the rows go again whose outcome is unknown.
        new: Whether to begin anew, although the same or another job on the file was begun.
        has_agreed: Whether a person agreed to the whole job.
        patience: How long to go on although no row can be settled, in seconds.
    """

    workers: int = 8
    resend_unknown: bool = False
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
        result: The failure envelope of what stopped it, if something did.
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


_COUNTS = ("total", "done", "rejected", "unknown", "pending")


def folder_of(source: Path) -> Path:
    """Return the folder of the jobs on a file, which is beside it."""
    return source.with_name(f"{source.name}.bulk")


class Run:
    """One run of a job on an input, in this process alone or with others.

    `prepared` makes one.

    Args:
        tool: The tool, whose policy and stores hold.
        job: The job.
        work: Hands out its rows.
        folder: Where the files of rows that were left out are written.
        options: How to run it.
    """

    def __init__(
        self, tool: CustomerIoTool, job: Job, work: Work, folder: Path, options: Options
    ) -> None:
        self.job = job
        self.work = work
        self._tool = tool
        self._folder = folder
        self._options = options
        self._engine: Engine | None = None
        self._is_given_up = False

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
            finally:
                files = self._written()
        return self._summary(ended, time.monotonic() - began, files)

    def _summary(self, ended: Ended, seconds: float, files: Mapping[str, Path]) -> Summary:
        job = self.job
        return Summary(
            job.id, job.subtool, ended.ending, ended.counts, seconds, files, ended.result
        )

    def _written(self) -> dict[str, Path]:
        """Write the rows that were left out, and return the files that are not empty."""
        files = {"rejected": self._folder / REJECTED, "unknown": self._folder / UNKNOWN}
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
        with os.fdopen(handle, "w", encoding="utf-8") as file:
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


@contextmanager
def prepared(
    tool: CustomerIoTool,
    subtool: str,
    source: Input,
    *,
    folder: Path | None = None,
    options: Options | None = None,
) -> Iterator[Run]:
    """Yield the run of a job on an input, which goes on where an earlier one ended.

    Args:
        tool: The tool, whose policy, ledger and rate limits hold. If it sends and its ledger is in
            memory, the job has one in its folder.
        subtool: The name of the subtool.
        source: The input.
        folder: The folder of its jobs; by default `folder_of` its file. It is made if it is
            missing.
        options: How to run it.

    Raises:
        SubtoolUnknown: There is no subtool of that name.
        ArgumentsInvalid: It only reads.
        InputInvalid: The input cannot be read.
        InputChanged: It is another one than that of the last job on this file.
        JobBusy: Another process works on it.
        JournalLost: The folder cannot be used, or the job is too old to go on.
    """
    options, folder = options or Options(), folder or folder_of(source.path)
    Job("any", subtool)
    with ExitStack() as stack:
        _make(folder)
        stack.enter_context(alone(folder / LOCK))
        journal = Journal(folder / JOURNAL)
        stack.callback(journal.close)
        surveyed = source.survey()
        base = job_id(tool.workspace, subtool, source.form.as_json(), surveyed.digest)
        kept = _begun(journal, base, subtool, surveyed.rows, source.name, options)
        if options.has_agreed and not kept.has_agreed:
            journal.agree(kept.id)
        if options.resend_unknown:
            journal.send_again(kept.id)
        job = Job(kept.id, subtool, options.has_agreed or kept.has_agreed)
        work = FileWork(journal, kept, source, time.time)
        stack.callback(work.close)
        yield Run(_with_ledger(tool, job, folder), job, work, folder, options)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise JournalLost(
            f"The folder of the job cannot be made ({error.strerror}): {folder.name}. Nothing was "
            "sent. Name another one with --folder."
        ) from None


def _with_ledger(tool: CustomerIoTool, job: Job, folder: Path) -> CustomerIoTool:
    """Return a tool whose ledger outlives this process, where the job sends."""
    backends = tool.backends
    if job.declared.effect is not Effect.SEND or not isinstance(backends.ledger, MemoryLedger):
        return tool
    return tool.under(tool.policy, backends=replace(backends, ledger=SqliteLedger(folder / LEDGER)))


def _begun(
    journal: Journal, base: str, subtool: str, total: int, name: str, options: Options
) -> Kept:
    """Return the job to go on with, or a new one."""
    jobs = [each for each in journal.jobs() if each.subtool == subtool]
    same = next((each for each in jobs if each.base == base), None)
    if same and not options.new:
        _refuse_stale(same)
        if same.is_cancelled:
            journal.cancel(same.id, is_cancelled=False)
        return same
    if jobs and not options.new:
        raise _changed(jobs[0], name)
    now = time.time()
    salted = job_id("", subtool, {"new": secrets.token_hex(8)}, base) if jobs else base
    added = Kept(salted, base, subtool, Counts(total), 0, False, False, False, now, now)
    journal.add(added)
    return added


def _refuse_stale(job: Kept) -> None:
    if job.counts.pending and time.time() - job.worked_at > KEPT_SECONDS:
        raise JournalLost(
            f"Nothing was sent: the job {job.id} was last worked on more than "
            f"{KEPT_SECONDS / 86_400:.0f} days ago, so that nothing tells any more whether a row "
            "in flight at its end was applied. With --new all rows go again, as another job."
        )


def _changed(last: Kept, name: str) -> InputChanged:
    counts = last.counts
    return InputChanged(
        f"Nothing was sent: {name}, or an option, is not what it was for the job {last.id}, which "
        f"has {counts.settled:,} of {counts.total:,} rows behind it. To go on, put it back as it "
        f"was. To apply rows that were rejected, correct {REJECTED} in the folder of the job and "
        "run that file. With --new all rows go, as another job, also those that went before."
    )


def run(
    tool: CustomerIoTool,
    subtool: str,
    source: Input,
    *,
    folder: Path | None = None,
    options: Options | None = None,
    hooks: Hooks | None = None,
) -> Summary:
    """Run a job on an input to its end, or to where it must end; see `prepared` and `Run.run`."""
    with prepared(tool, subtool, source, folder=folder, options=options) as prepared_run:
        return prepared_run.run(hooks)
