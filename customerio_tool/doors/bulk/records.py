"""Divides a text into records, lines of JSON or records of CSV, none larger than memory allows."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from customerio_tool.doors.bulk.job import InputInvalid

MAX_ROW_BYTES = 16 * 1024 * 1024
"""The longest row, in bytes: so a file without line ends does not fill the memory."""

MAX_ROW_LINES = 1000
"""The most lines of one record of CSV: so a quote that is not closed does not swallow a file."""

_LINE_ENDS = ("\n", "\r")


@dataclass(frozen=True)
class Unread:
    """Why a record cannot be read.

    Args:
        problem: What is wrong with it.
        fix: What would be right.
    """

    problem: str
    fix: str


def too_long() -> Unread:
    """Return why a record that is too long cannot be read."""
    return Unread(f"is longer than {MAX_ROW_BYTES:,} bytes", "split it")


def lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines of a file with their numbers; None in place of one that is too long."""
    number = 0
    while line := file.readline(MAX_ROW_BYTES):
        number += 1
        if len(line) < MAX_ROW_BYTES or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_ROW_BYTES)
        yield number, None


def csv_records(
    text: IO[str], delimiter: str, name: str
) -> Iterator[tuple[list[str] | Unread, str]]:
    """Yield the records of CSV: the cells of each, or why there are none, and as it is written.

    Args:
        text: The text, opened with `newline=""`.
        delimiter: What divides cells.
        name: What an error calls the text.

    Raises:
        InputInvalid: A quote is not closed in its line, so that nobody knows where a row ends.
    """
    csv.field_size_limit(MAX_ROW_BYTES)
    source = _Lines(text)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin()
        wrong = ""
        try:
            cells = next(reader, None)
        except csv.Error as error:
            wrong = str(error)
        except _TooLongError:
            if source.may_be_quoted:
                raise _unclosed(name, source, _NO_END) from None
            source.skip()
            yield too_long(), source.record[0]
            continue
        if wrong and len(source.record) > 1:
            at = "the file ends before it is closed"
            if not _ends_early(wrong):
                at = f"line {source.number:,} is wrong: {wrong}"
            raise _unclosed(name, source, at)
        if wrong:
            yield _unread(wrong), source.record[0]
        elif cells is None:
            return
        else:
            yield cells, "".join(source.record)


class _TooLongError(Exception):
    """A record has more lines or characters than one may have."""


class _Lines:
    """The lines of a text for a reader of CSV; those of the record that is read are kept."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._size = 0
        self.number = 0
        self.record: list[str] = []

    def begin(self) -> None:
        """Begin the next record."""
        self._size, self.record = 0, []

    def __iter__(self) -> Iterator[str]:
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return the next line."""
        line = self._text.readline(MAX_ROW_BYTES)
        if not line:
            raise StopIteration
        self.number += 1
        self._size += len(line)
        self.record.append(line)
        if self._size >= MAX_ROW_BYTES or len(self.record) > MAX_ROW_LINES:
            raise _TooLongError
        return line

    @property
    def may_be_quoted(self) -> bool:
        """Whether the end of the record may be inside a quote."""
        return len(self.record) > 1 or '"' in self.record[0]

    def skip(self) -> None:
        """Leave out the rest of the line."""
        line = self.record[0]
        while line and not line.endswith(_LINE_ENDS):
            line = self._text.readline(MAX_ROW_BYTES)


def _ends_early(wrong: str) -> bool:
    return "unexpected end" in wrong


def _unread(wrong: str) -> Unread:
    if "expected after" in wrong or _ends_early(wrong):
        problem = "has a quote that is not closed, or one inside a cell"
        return Unread(problem, 'write "" for a quote inside a cell')
    return Unread("is no CSV", wrong)


_NO_END = f"the row does not end within {MAX_ROW_LINES:,} lines and {MAX_ROW_BYTES:,} bytes"


def _unclosed(name: str, source: _Lines, wrong: str) -> InputInvalid:
    closes_wrongly = "expected after" in wrong  # so the quote opened in an earlier line
    sought = source.record[:-1] if closes_wrongly else source.record
    first = source.number - len(source.record) + 1 + _opening(sought)
    return InputInvalid(
        f"{name} is no CSV from line {first:,} on: a quote opens there, and {wrong}. So the rows "
        'after it would be lost in one cell. Close the quote, or write "" for one inside a cell; '
        "a row of more lines can be JSON Lines, where it is one. Nothing more was sent."
    )


def _opening(record: Sequence[str]) -> int:
    """Return the index of the line in which the quote opened that is open at its end."""
    opening, is_open = 0, False
    for index, line in enumerate(record):
        quotes = line.replace('""', "").count('"')
        was_open, is_open = is_open, is_open != bool(quotes % 2)
        if is_open and (not was_open or quotes):
            opening = index
    return opening
