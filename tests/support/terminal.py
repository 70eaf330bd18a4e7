"""Runs commands at a terminal of a given width, as a person sees them."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.shell import MAIN

_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Seen:
    """What a person saw, with and without what steers the terminal, and how the command ended."""

    raw: str
    exit_code: int

    @property
    def text(self) -> str:
        """The plain text."""
        return _STEERING.sub("", self.raw)


def at_terminal(
    *arguments: str, columns: int = 80, typed: str = "", env: Mapping[str, str] | None = None
) -> Seen:
    """Run a command with its input, output and errors at one terminal."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CUSTOMERIO_")}
    environment |= {"COLUMNS": str(columns), "TERM": "xterm", **(env or {})}
    command = [sys.executable, "-c", MAIN, *arguments]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        raw = _until_end(ours)
        os.close(ours)
    return Seen(raw, process.returncode)


def _until_end(terminal: int) -> str:
    read = bytearray()
    while True:
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # Linux says so that nobody has the other side open
            piece = b""
        if not piece:
            return read.decode(errors="replace").replace("\r\n", "\n")
        read += piece
