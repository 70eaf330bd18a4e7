"""The audit trail: which subtool was called when, for whom by hash, and how it ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart, Decision
from customerio_tool.subtools.declare.json_text import compact

_BEGINNING = b'{"at":'
"""The beginning of each line."""

_LATEST = 1e11
"""The latest time in a line, in Unix seconds: in the year 5138."""

NEWEST_BYTES = 256 * 1024
"""How much of the end of a file is read for its newest lines: a thousand of them or more."""


class Line(BaseModel):
    """One line of an audit trail, as `AuditTrail` describes it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, strict=True, defer_build=True)

    at: Annotated[float, Field(ge=0, le=_LATEST)]
    call_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,64}$")]
    run_id: str | None = None
    subtool: str
    effect: str
    id_type: str | None = None
    person: str | None = None
    door: str
    decision: Decision | None = None
    outcome: str
    attempts: int
    ms: int


class AuditTrail:
    """Appends one line of JSON per call to a file.

    Many processes may share a file on a local disk: each line is one write in append mode. The
    members of a line are `at` (Unix seconds), `call_id`, `run_id`, `subtool`, `effect`, `id_type`,
    `person` (a keyed hash, see `customerio_tool.calls.watch.keyed_hash`), `door`, `decision`
    (`approved` or `declined`, if a person decided), `outcome`, `attempts` and `ms` (the duration
    in milliseconds).

    Args:
        path: The file. It is created with mode 0600 if it is missing, also after a log rotation
            moved it away. Nothing is appended to the file of another program.

    Raises:
        OSError: The file cannot be written, or is another program's.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        os.close(self._opened())

    def _opened(self) -> int:
        # A pipe that nobody reads is refused at once, and not waited for.
        how = os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        is_special = self._path.exists() and not self._path.is_file()
        handle = os.open(self._path, how | (os.O_WRONLY if is_special else os.O_RDWR), 0o600)
        if not is_special and os.read(handle, len(_BEGINNING)) not in (b"", _BEGINNING):
            os.close(handle)
            raise OSError("The file is not an audit trail.")
        return handle

    def started(self, call: CallStart) -> None:
        """Do nothing: `ended` writes the line."""

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Do nothing: `ended` writes the number of attempts."""

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """Append the line of this call."""
        line = {
            "at": round(call.started_at, 3),
            "call_id": call.call_id,
            "run_id": call.run_id,
            "subtool": call.subtool,
            "effect": call.effect,
            "id_type": call.id_type,
            "person": call.person,
            "door": call.door,
            **({"decision": call.decision} if call.decision else {}),
            "outcome": end.outcome,
            "attempts": end.attempts,
            "ms": round(end.seconds * 1000),
        }
        text = (compact(line, is_ascii=True) + "\n").encode()
        handle = self._opened()
        try:
            written = os.write(handle, text)
        finally:
            os.close(handle)
        if written < len(text):
            raise OSError("The disk took only a part of the line.")

    @property
    def size(self) -> int:
        """The bytes of the file; 0 if there is none."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def newest(self, most_bytes: int = NEWEST_BYTES) -> list[Line]:
        """Return the lines at the end of the file, the newest first.

        A line that cannot be read is left out. There is none where there is no file, where it is
        no longer an audit trail, or where it is a pipe or a device.

        Args:
            most_bytes: How much of the end of the file to read.
        """
        try:
            if not self._path.is_file():
                return []
            with self._path.open("rb") as file:
                return _lines_of(file, most_bytes)
        except OSError:
            return []


def _lines_of(file: BinaryIO, most_bytes: int) -> list[Line]:
    if file.read(len(_BEGINNING)) != _BEGINNING:
        return []
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - most_bytes))
    texts = file.read(most_bytes).split(b"\n")
    if size > most_bytes:
        del texts[0]  # it began before
    return [line for each in reversed(texts) if (line := _line_in(each))]


def _line_in(text: bytes) -> Line | None:
    """Return a line as it was written; None if another program wrote it, or a part of it."""
    try:
        return Line.model_validate_json(text)
    except ValidationError:
        return None
