"""The entry point of `customerio-tool`: runs the commands, or says which extra to install.

It imports nothing else before `main`, so that Ctrl-C has its answer as early as it can.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_MODULES_OF_EXTRA = {"typer", "rich", "yaml"}
_EXTRAS = {"mcp": "mcp", "serve": "web", "workbench": "web"}
"""The extra of a command that needs more than `cli`, which comes with it."""

_NOT_INSTALLED = 2
_INTERRUPTED = 130
_ENDED = b"Ended by Ctrl-C before anything was done.\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `customerio-tool`.

    Args:
        arguments: The arguments after the program's name; by default `sys.argv[1:]`.

    Raises:
        SystemExit: Always, with the command's exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        # Print a question mark for a character that the terminal cannot encode, instead of failing.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _ended_by_ctrl_c():
            from customerio_tool.doors.cli.commands import app
            from customerio_tool.version import DISTRIBUTION
        app(given, prog_name=DISTRIBUTION)
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in _MODULES_OF_EXTRA:
            raise
        from customerio_tool.version import how_to_install

        sys.stderr.write(f"This command needs an extra:\n  {how_to_install(_extra_of(given))}\n")
        raise SystemExit(_NOT_INSTALLED) from None
    except KeyboardInterrupt:  # before or after a command, which has its own answer to it
        sys.stderr.write("Ended by Ctrl-C.\n")
        raise SystemExit(_INTERRUPTED) from None


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """End the process at Ctrl-C while the modules load; a command has its own answer to it.

    An exception would not do: what loads a module may print it, or take it for its own.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # it is ignored, or another program's
        return
    try:
        signal.signal(signal.SIGINT, _end)
    except ValueError:  # not in the main thread, which alone gets it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: object) -> None:
    os.write(2, _ENDED)
    os._exit(_INTERRUPTED)


def _extra_of(arguments: Sequence[str]) -> str:
    command = arguments[0] if arguments else ""
    if command == "demo" and "--open" in arguments:
        return "web"
    return _EXTRAS.get(command, "cli")
