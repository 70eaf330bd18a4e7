"""The work of one of many processes: the rows that a Redis Stream hands to it."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from customerio_tool.doors.bulk.job import JournalLost
from customerio_tool.doors.bulk.reading import Input
from customerio_tool.doors.bulk.rows import Outcome, Row
from customerio_tool.doors.bulk.streams import Delivered, StreamJob
from customerio_tool.doors.bulk.work import Counts

FED_ROWS = 500
"""How many rows are fed at once."""

BACKLOG_ROWS = 2_000
"""Rows are fed while fewer than this are in Redis, so that its memory does not grow."""


class SharedWork:
    """Hands out the rows of a job in Redis; see `Work`.

    Args:
        stream: The job.
        source: The input, which was surveyed; None for a worker that does not have it.
    """

    def __init__(self, stream: StreamJob, source: Input | None) -> None:
        self._stream = stream
        self._ids: dict[int, str] = {}
        """The ids of the entries of the rows in flight, by number."""
        told = stream.must_be_there()
        self._fed = int(told["fed"])
        self._rows: Generator[Row, None, None] | None = None
        self._chunk: list[Row] = []
        if source and told["eof"] != "1":
            self._rows = source.rows(after=self._fed)
        stream.live()

    def take(self, most: int, *, is_idle: bool) -> list[Row] | None:
        """Return the next rows, those of dead workers first; see `Work`."""
        if self._rows is not None and self._stream.backlog() < BACKLOG_ROWS:
            self._feed(self._rows)
        delivered = self._stream.deliver(most, is_idle=is_idle)
        if delivered:
            return [self._row(each) for each in delivered]
        is_fed = self._stream.must_be_there()["eof"] == "1"
        return None if is_fed and not self._stream.backlog() else []

    def _feed(self, rows: Generator[Row, None, None]) -> None:
        if not self._chunk:
            self._chunk = list(islice(rows, FED_ROWS))
        chunk = [row for row in self._chunk if row.number > self._fed]
        is_last = len(self._chunk) < FED_ROWS
        if not chunk and not is_last:
            self._chunk = []
            return
        upto = chunk[-1].number if chunk else self._fed
        texts = [_fed(row) for row in chunk]
        self._fed = self._stream.feed(self._fed, upto, texts, is_last=is_last)
        if self._fed >= upto:
            self._chunk = []
            if is_last and self._stream.must_be_there()["eof"] == "1":
                self._rows = None

    def _row(self, delivered: Delivered) -> Row:
        told = _told(delivered.text)
        number, again = told["n"], told.get("again", 0)
        self._ids[number] = delivered.id
        is_repeat = delivered.is_repeat or again > 0
        unread = told.get("problem", ""), told.get("text", "")
        return Row(number, told.get("arguments", {}), *unread, again, is_repeat)

    def begin(self, rows: Sequence[Row]) -> None:
        """Do nothing: Redis knows to whom a row was handed out."""

    def agree(self) -> None:
        """Keep that a person agreed to the job."""
        self._stream.set("agreed", 1)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what became of rows, in one step with their acknowledgement."""
        known = [each for each in outcomes if each.row.number in self._ids]
        if known:
            self._stream.settle([(self._ids[each.row.number], each) for each in known])
        for each in known:
            del self._ids[each.row.number]

    def counts(self) -> Counts:
        """Return how many rows there are in each state."""
        return self._stream.counts()

    def is_cancelled(self) -> bool:
        """Whether somebody cancelled the job."""
        return self._stream.must_be_there().get("cancelled") == "1"

    def left_out(self, state: str) -> Iterator[dict[str, Any]]:
        """Yield what is kept of the rows in a state."""
        for kept in self._stream.left_out(state):
            kept.pop("again", None)
            yield kept

    def send_again(self) -> None:
        """Let all rows whose outcome is unknown go again."""
        self._stream.send_again(_again)

    def close(self) -> None:
        """End the work; rows in flight go to other workers."""
        if self._rows is not None:
            self._rows.close()
        self._stream.close()


def _told(text: str) -> dict[str, Any]:
    with suppress(ValueError):
        told = json.loads(text)
        if isinstance(told, dict) and isinstance(told.get("n"), int):
            return told
    raise JournalLost(
        "The stream of the job has an entry that is no row, so that the work stopped. Look what "
        "else writes to that Redis."
    )


def _fed(row: Row) -> str:
    if row.problem:
        return json.dumps({"n": row.number, "problem": row.problem, "text": row.text})
    return json.dumps({"n": row.number, "arguments": dict(row.arguments)})


def _again(kept: Mapping[str, Any]) -> str:
    """Return the row of what is kept of one whose outcome is unknown, to be fed again."""
    again = kept.get("again", 0) + 1
    return json.dumps({"n": kept["row"], "arguments": kept.get("arguments", {}), "again": again})
