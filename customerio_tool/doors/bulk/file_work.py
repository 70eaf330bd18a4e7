"""The work of one process: the rows of its input, with a journal beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from customerio_tool.doors.bulk.job import JournalLost
from customerio_tool.doors.bulk.journal import Journal, Kept
from customerio_tool.doors.bulk.reading import Input
from customerio_tool.doors.bulk.rows import Outcome, Row
from customerio_tool.doors.bulk.work import Counts


class FileWork:
    """Hands out the rows of an input that its journal does not have as settled; see `Work`.

    Args:
        journal: The journal.
        job: What it keeps of the job.
        source: The input, which was surveyed.
        now: Returns Unix time in seconds.
    """

    def __init__(
        self, journal: Journal, job: Kept, source: Input, now: Callable[[], float]
    ) -> None:
        self._journal = journal
        self._job = job.id
        self._now = now
        self._source = source
        self._upto = job.upto
        self._last = journal.last(job.id)
        self._rows = self._unsettled()
        self._open: deque[int] = deque()
        """The rows that were handed out and are not settled, or after such a one, in order."""
        self._settled: set[int] = set()

    def _unsettled(self) -> Generator[Row, None, None]:
        """Yield first the rows that go again, then those of the input that are not settled."""
        after = 0
        while page := self._journal.again(self._job, after, 200):
            yield from page
            after = page[-1].number
        with closing(self._source.rows(after=self._upto)) as rows:
            for row in rows:
                state = self._state_of(row.number)
                if state in (None, "began"):
                    self._open.append(row.number)
                    yield row if state is None else replace(row, is_repeat=True)

    def _state_of(self, number: int) -> str | None:
        if number > self._last:
            return None
        return self._journal.state_of(self._job, number)

    def take(self, most: int, *, is_idle: bool) -> list[Row] | None:  # noqa: ARG002 - of the protocol
        """Return the next rows, and None after the last one; see `Work`."""
        taken: list[Row] = []
        for row in self._rows:
            taken.append(row)
            if len(taken) >= most:
                break
        return taken or None

    def begin(self, rows: Sequence[Row]) -> None:
        """Note that these rows may be applied from now on."""
        self._journal.begin(self._job, [row.number for row in rows])

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what became of rows."""
        self._settled |= {each.row.number for each in outcomes}
        while self._open and self._open[0] in self._settled:
            self._upto = self._open.popleft()
            self._settled.discard(self._upto)
        self._journal.settle(self._job, outcomes, self._upto, self._now())

    def agree(self) -> None:
        """Keep that a person agreed to the job."""
        self._journal.agree(self._job)

    def counts(self) -> Counts:
        """Return how many rows there are in each state."""
        return self._kept().counts

    def is_cancelled(self) -> bool:
        """Whether somebody cancelled the job."""
        return self._kept().is_cancelled

    def _kept(self) -> Kept:
        kept = self._journal.job(self._job)
        if kept is None:
            raise JournalLost("The journal no longer knows this job.")
        return kept

    def left_out(self, state: str) -> Iterator[dict[str, Any]]:
        """Yield what is kept of the rows in a state."""
        return self._journal.in_state(self._job, state)

    def close(self) -> None:
        """End the work; whoever opened the journal closes it."""
        self._rows.close()
