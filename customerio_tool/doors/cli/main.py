"""The door of the shell: starts the commands, or says how to install what they need."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from customerio_tool.version import DISTRIBUTION, how_to_install

_EXTRA = {"typer", "rich", "yaml"}
_NOT_INSTALLED = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `customerio-tool`.

    Args:
        arguments: Those after the program's name; by default the process's own.

    Raises:
        SystemExit: Always, with the command's exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        # What an old terminal cannot show becomes a question mark and does not end the command.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    try:
        from customerio_tool.doors.cli.commands import app

        app(None if arguments is None else list(arguments), prog_name=DISTRIBUTION)
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(f"This command needs an extra:\n  {how_to_install('cli')}\n")
        raise SystemExit(_NOT_INSTALLED) from None
