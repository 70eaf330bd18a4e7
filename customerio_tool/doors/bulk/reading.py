"""Reads the rows of an input: JSON Lines or CSV, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal, NoReturn, TypeAlias, cast

from customerio_tool.doors.bulk.columns import Column, arguments_of, columns_of
from customerio_tool.doors.bulk.job import InputChanged, InputInvalid
from customerio_tool.doors.bulk.records import Unread, csv_records, lines, too_long
from customerio_tool.doors.bulk.rows import Row
from customerio_tool.errors import Problem
from customerio_tool.subtools import find
from customerio_tool.subtools.declare.json_input import parse

Kind: TypeAlias = Literal["jsonl", "csv"]

MAX_SHOWN = 10_000
"""How much of a row that cannot be read is kept, in characters."""

CHECKED_ROWS = 100
"""How often it is checked that the file is as it was, in rows."""

_KINDS: Mapping[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
_BLOCK = 1 << 20
_NO_DELIMITERS = '"\r\n'


@dataclass(frozen=True)
class Form:
    """How rows are written.

    Args:
        kind: JSON Lines or CSV.
        columns: For CSV, the target of some columns by their titles; see `Column.of`.
        constants: Arguments of every row that does not give them.
        delimiter: The delimiter of CSV.
        schema: The properties of the arguments; it decides the type of columns without one.
    """

    kind: Kind
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict, repr=False)
    delimiter: str = ","
    schema: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return what decides the calls of the rows."""
        form = [self.kind, dict(self.columns), self.delimiter]
        return {"form": form, "constants": dict(self.constants)}


def _refuse_misfits(kind: Kind, columns: Mapping[str, str] | None, delimiter: str | None) -> None:
    if kind == "jsonl" and (columns or delimiter):
        name = "map of columns" if columns else "delimiter"
        raise InputInvalid(
            f"A {name} is for CSV, and these rows are JSON Lines. Leave it out, or "
            "say that they are CSV."
        )
    if delimiter and (len(delimiter) > 1 or delimiter in _NO_DELIMITERS):
        raise InputInvalid(
            f"The delimiter {delimiter!r} cannot divide cells; give one character, such as ; or |. "
            "In a .tsv file it is a tab."
        )


def kind_of(path: Path) -> Kind | None:
    """Return the form that the name of a file tells; None if it tells none."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    return _KINDS.get(plain.suffix.lower())


def delimiter_of(path: Path) -> str:
    """Return the delimiter that the name of a file tells."""
    return "\t" if ".tsv" in path.suffixes else ","


@dataclass(frozen=True)
class Surveyed:
    """What reading a whole input once shows.

    Args:
        digest: The SHA-256 of its bytes, in hex.
        rows: The number of its rows.
    """

    digest: str
    rows: int


class Input:
    """A file of rows, which must not change while it is read.

    Args:
        path: The file.
        form: How its rows are written.
        name: What messages call it; by default the name of the file.
    """

    def __init__(self, path: Path, form: Form, name: str = "") -> None:
        self.path = path
        self.form = form
        self.name = name or path.name
        self._seen: tuple[int, ...] | None = None

    @classmethod
    def of(
        cls,
        path: str | os.PathLike[str],
        subtool: str,
        *,
        kind: Kind | None = None,
        columns: Mapping[str, str] | None = None,
        constants: Mapping[str, Any] | None = None,
        delimiter: str | None = None,
        name: str = "",
    ) -> Input:
        """Return the input of a file for a subtool.

        Args:
            path: The file: JSON Lines or CSV, perhaps compressed with gzip.
            subtool: The name of the subtool, whose schema types the columns.
            kind: How rows are written; by default what the name of the file tells.
            columns: For CSV, the target of some columns, such as `{"Age": "attributes.age:int"}`.
            constants: Arguments of every row that does not give them.
            delimiter: The delimiter of CSV; by default a comma, or a tab in a `.tsv` file.
            name: What messages call it; by default the name of the file.

        Raises:
            InputInvalid: The name of the file does not tell how rows are written, the delimiter is
                not one character, or an option of CSV is given for JSON Lines.
            SubtoolUnknown: There is no subtool of that name.
        """
        path = Path(path)
        if (kind := kind or kind_of(path)) is None:
            raise InputInvalid(
                f"{name or path.name} does not tell whether it is JSON Lines or CSV; name it with "
                ".jsonl or .csv, or say which."
            )
        schema = find(subtool).input_schema()["properties"]
        _refuse_misfits(kind, columns, delimiter)
        chosen = delimiter or delimiter_of(path)
        return cls(path, Form(kind, columns or {}, constants or {}, chosen, schema), name)

    def survey(self) -> Surveyed:
        """Read the whole file once, and remember what it looks like.

        Raises:
            InputInvalid: It cannot be read, or its header is wrong.
            InputChanged: It changed meanwhile.
        """
        self._seen = self._look()
        digest = hashlib.sha256()
        with self._opened() as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        with self._records() as records:
            count = sum(1 for _ in records)
        self.check()
        return Surveyed(digest.hexdigest(), count)

    def check(self) -> None:
        """Refuse a file that changed since it was surveyed.

        Raises:
            InputChanged: It did.
        """
        if self._seen is not None and self._look() != self._seen:
            raise InputChanged(
                f"{self.name} changed while it was worked on, so that the rest was left alone. "
                "Put it back as it was and run the same command, which goes on where this ended."
            )

    def rows(self, after: int = 0) -> Generator[Row, None, None]:
        """Yield the rows in order, those that cannot be read too.

        Args:
            after: Leave out the rows up to this number.

        Raises:
            InputInvalid: The file cannot be read.
            InputChanged: It changed since it was surveyed.
        """
        with self._records() as records:
            for count, record in enumerate(records):
                if count % CHECKED_ROWS == 0:
                    self.check()
                if record[0] > after:
                    yield _row(record, self.form.constants)

    def _look(self) -> tuple[int, ...]:
        with self._errors():
            found = self.path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputInvalid(
                f"{self.name} is no file but a folder, a pipe or a device, and rows are read more "
                "than once. Name a file; the command also reads standard input, as -."
            )
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile):
            why = "it is no whole gzip file"
        except OSError as error:
            why = str(error.strerror)
        except ValueError:
            why = "that is no path"
        else:
            return
        raise InputInvalid(f"{self.name} cannot be read: {why}. Nothing more was sent.")

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        with self._errors(), self.path.open("rb") as file:
            yield file

    @contextmanager
    def _records(self) -> Iterator[Iterator[_Record]]:
        """Yield the records of the file."""
        with self._opened() as file:
            is_gzip = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            plain = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if is_gzip else file
            read = self._json_lines if self.form.kind == "jsonl" else self._csv
            with closing(read(plain)) as records:
                yield records

    def _json_lines(self, file: IO[bytes]) -> Generator[_Record, None, None]:
        for number, line in lines(file):
            if (
                number == 1
                and line is not None
                and line.lstrip(b"\xef\xbb\xbf \t").startswith(b"[")
            ):
                raise InputInvalid(
                    f"{self.name} holds one JSON array; write one object a line, as  jq -c '.[]'  "
                    "makes them."
                )
            if line is None or line.strip():
                yield number, partial(_members, line), partial(_decoded, line)

    def _csv(self, file: IO[bytes]) -> Generator[_Record, None, None]:
        text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        try:
            yield from self._csv_rows(csv_records(text, self.form.delimiter, self.name))
        finally:
            text.detach()

    def _csv_rows(self, records: Iterator[tuple[list[str] | Unread, str]]) -> Iterator[_Record]:
        columns = self._columns(next(records, ([], ""))[0])
        for number, (record, written) in enumerate(records, 2):
            shown = partial(_shown, written)
            if isinstance(record, Unread):
                yield number, partial(_refuse, record), shown
            elif record:
                yield number, partial(_of_cells, columns, record), shown

    def _columns(self, titles: list[str] | Unread) -> list[Column]:
        if isinstance(titles, Unread):
            raise InputInvalid(f"The header of {self.name} {titles.problem}.")
        if not titles:
            raise InputInvalid(f"{self.name} has no header; name its columns in its first line.")
        if not _is_utf8(titles):
            raise InputInvalid(f"The header of {self.name} is not UTF-8; save the file as UTF-8.")
        return columns_of([each.strip() for each in titles], self.form.columns, self.form.schema)


_Read: TypeAlias = Callable[[], dict[str, Any]]
_Record: TypeAlias = tuple[int, _Read, Callable[[], str]]
"""A record: its number, what reads its arguments, and what returns it as it is written."""


def _row(record: _Record, constants: Mapping[str, Any]) -> Row:
    number, read, written = record
    try:
        return Row(number, {**constants, **read()})
    except Problem as problem:
        return Row(number, problem=str(problem), text=written()[:MAX_SHOWN])


def _decoded(line: bytes | None) -> str:
    return (line or b"").decode("utf-8", "replace").rstrip("\r\n")


def _shown(written: str) -> str:
    return written[:MAX_SHOWN].encode("utf-8", "replace").decode().rstrip("\r\n")


def _members(line: bytes | None) -> dict[str, Any]:
    """Return the arguments in a line; those of a line of a reject file are in `arguments`."""
    if line is None:
        _refuse(too_long())
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem("is not UTF-8", "save the file as UTF-8") from None
    value = parse(text)
    if not isinstance(value, dict):
        raise Problem("is no JSON object", "write one object a line")
    inner = value.get("arguments")
    return inner if isinstance(inner, dict) else value


def _is_utf8(cells: list[str]) -> bool:
    return not any("\udc80" <= character <= "\udcff" for cell in cells for character in cell)


def _of_cells(columns: list[Column], cells: list[str]) -> dict[str, Any]:
    if not _is_utf8(cells):
        raise Problem("is not UTF-8", "save the file as UTF-8")
    return arguments_of(columns, cells)


def _refuse(record: Unread) -> NoReturn:
    raise Problem(record.problem, record.fix)
