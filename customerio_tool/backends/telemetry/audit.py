"""The audit trail: which subtool was called when, for whom by hash, and how it ended."""

from __future__ import annotations

import os
from pathlib import Path

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.subtools.declare.json_text import compact

_BEGINNING = b'{"at":'
"""The beginning of each line."""


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
