"""Finds the job of an input, or begins it, in its folder or in a Redis."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.doors.bulk.engine import Hooks
from customerio_tool.doors.bulk.file_work import FileWork
from customerio_tool.doors.bulk.job import (
    KEPT_SECONDS,
    BulkError,
    InputChanged,
    Job,
    JournalLost,
    job_id,
)
from customerio_tool.doors.bulk.journal import Journal, Kept, alone
from customerio_tool.doors.bulk.reading import Input
from customerio_tool.doors.bulk.running import Options, Run, Summary
from customerio_tool.doors.bulk.shared_work import SharedWork
from customerio_tool.doors.bulk.streams import PATIENCE_SECONDS, StreamJob, named_job
from customerio_tool.doors.bulk.work import Counts
from customerio_tool.subtools.declare import Effect
from customerio_tool.tool import CustomerIoTool

JOURNAL, LOCK, LEDGER = "journal.sqlite", "lock.sqlite", "sends.sqlite"


def folder_of(source: Path) -> Path:
    """Return the folder of the jobs on a file, which is beside it."""
    return source.with_name(f"{source.name}.bulk")


@contextmanager
def prepared(
    tool: CustomerIoTool,
    subtool: str,
    source: Input,
    *,
    folder: Path | None = None,
    options: Options | None = None,
    redis_url: str | None = None,
) -> Iterator[Run]:
    """Yield the run of a job on an input, which goes on where an earlier one ended.

    Args:
        tool: The tool, whose policy, ledger and rate limits hold. If it sends and its ledger is in
            memory, the job has one in its folder; with `redis_url` it needs one in that Redis.
        subtool: The name of the subtool.
        source: The input.
        folder: The folder of its jobs; by default `folder_of` its file. It is made if it is
            missing.
        options: How to run it.
        redis_url: The Redis by which workers on other machines share the job; None for the journal
            in the folder, which one process at a time uses.

    Raises:
        SubtoolUnknown: There is no subtool of that name.
        ArgumentsInvalid: It only reads.
        InputInvalid: The input cannot be read.
        InputChanged: It is another one than that of the last job on this file.
        JobBusy: Another process works on it.
        JournalLost: The folder or Redis cannot be used, or the job is too old to go on.
    """
    options, folder = options or Options(), folder or folder_of(source.path)
    Job("any", subtool)
    with ExitStack() as stack:
        surveyed = source.survey()
        _make(folder)
        if redis_url is None:
            stack.enter_context(alone(folder / LOCK))
        journal = Journal(folder / JOURNAL)
        stack.callback(journal.close)
        base = job_id(tool.workspace, subtool, source.form.as_json(), surveyed.digest)
        begun = _Begun(journal, base, subtool, surveyed.rows, source.name, options)
        if redis_url is None:
            yield _alone_on(stack, begun, tool, source, folder)
        else:
            yield _shared_on(stack, begun, tool, source, folder, redis_url)


@dataclass(frozen=True)
class _Begun:
    """What decides which job it is that is run."""

    journal: Journal
    base: str
    subtool: str
    total: int
    name: str
    options: Options

    def kept(self, job: str, *, is_shared: bool) -> Kept:
        """Return the job to go on with, or a new one under an id."""
        jobs = [each for each in self.journal.jobs() if each.subtool == self.subtool]
        same = next((each for each in jobs if each.base == self.base), None)
        if same and not self.options.new:
            if same.is_shared is not is_shared:
                raise _elsewhere(same)
            return same
        if jobs and not same and not (self.options.changed or self.options.new):
            raise _changed(jobs[0], self.name)
        if found := self.journal.job(job):
            return found
        now, counts = time.time(), Counts(self.total)
        added = Kept(job, self.base, self.subtool, counts, 0, False, False, is_shared, now, now)
        self.journal.add(added)
        return added

    def new_id(self) -> str:
        """Return an id that no other job on the input has."""
        return job_id("", self.subtool, {"new": secrets.token_hex(8)}, self.base)


def _alone_on(
    stack: ExitStack, begun: _Begun, tool: CustomerIoTool, source: Input, folder: Path
) -> Run:
    journal, options = begun.journal, begun.options
    kept = begun.kept(begun.new_id() if options.new else begun.base, is_shared=False)
    _refuse_stale(kept)
    if kept.is_cancelled:
        journal.cancel(kept.id, is_cancelled=False)
    if options.has_agreed and not kept.has_agreed:
        journal.agree(kept.id)
    if options.resend_unknown:
        journal.send_again(kept.id)
    job = Job(kept.id, begun.subtool, options.has_agreed or kept.has_agreed)
    work = FileWork(journal, kept, source, time.time)
    stack.callback(work.close)
    return Run(_with_ledger(tool, job, folder), job, work, folder, options)


def _shared_on(
    stack: ExitStack, begun: _Begun, tool: CustomerIoTool, source: Input, folder: Path, url: str
) -> Run:
    options = begun.options
    patience = min(options.patience, PATIENCE_SECONDS)
    new = begun.new_id() if options.new else None
    named = named_job(url, begun.base, new, patience=patience)
    was_there = begun.journal.job(named) is not None
    kept = begun.kept(named, is_shared=True)
    stream = StreamJob(url, kept.id, patience=patience)
    if was_there:
        stream.must_be_there()  # a Redis that lost its data would apply all rows again
    stream.begin(begun.subtool, begun.total)
    return _work_on(stack, stream, tool, source, folder, options)


def _work_on(
    stack: ExitStack,
    stream: StreamJob,
    tool: CustomerIoTool,
    source: Input | None,
    folder: Path | None,
    options: Options,
) -> Run:
    told = stream.must_be_there()
    work = SharedWork(stream, source)
    stack.callback(work.close)
    if options.has_agreed:
        work.agree()
    if options.resend_unknown:
        work.send_again()
    job = Job(stream.job, told["subtool"], options.has_agreed or told["agreed"] == "1")
    return Run(tool, job, work, folder, options)


@contextmanager
def joined(
    tool: CustomerIoTool, job: str, redis_url: str, *, options: Options | None = None
) -> Iterator[Run]:
    """Yield a run of a job in a Redis, without its input: another worker has that.

    Args:
        tool: The tool, whose policy holds. Its ledger and rate limits should be in that Redis.
        job: The id of the job.
        redis_url: The Redis.
        options: How to run it.

    Raises:
        JobUnknown: Redis does not have the job.
        JournalLost: Redis cannot be used.
    """
    with ExitStack() as stack:
        stream = StreamJob(redis_url, job)
        stream.must_be_known()
        yield _work_on(stack, stream, tool, None, None, options or Options())


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
        f"Nothing was sent: {name}, an option or the workspace is not what it was for the job "
        f"{last.id}, which has {counts.settled:,} of {counts.total:,} rows behind it. To go on, "
        "put it back as it was. To apply rows that were rejected, correct a copy of "
        "its rejected file in the folder of the job, and run that. "
        "With --changed all rows go as another job, also those that went before."
    )


def _elsewhere(last: Kept) -> BulkError:
    where = (
        "in a Redis: give the --redis it was begun with"
        if last.is_shared
        else ("in the folder beside the file: run it without --redis")
    )
    return BulkError(
        f"Nothing was sent: the job {last.id} on this file is kept {where}. With --new all rows "
        "go, as another job, also those that went before."
    )


def run(
    tool: CustomerIoTool,
    subtool: str,
    source: Input,
    *,
    folder: Path | None = None,
    options: Options | None = None,
    redis_url: str | None = None,
    hooks: Hooks | None = None,
) -> Summary:
    """Run a job on an input to its end, or to where it must end.

    `prepared` describes the other arguments and errors, and so does `Run.run`.

    Args:
        tool: The tool.
        subtool: The name of the subtool.
        source: The input.
        folder: The folder of its jobs.
        options: How to run it.
        redis_url: The Redis by which workers on other machines share the job.
        hooks: What is told meanwhile.
    """
    with prepared(
        tool, subtool, source, folder=folder, options=options, redis_url=redis_url
    ) as begun:
        return begun.run(hooks)
