"""The entry point of `customerio-tool`: runs the commands, or says which extra to install."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from customerio_tool.version import DISTRIBUTION, how_to_install

_MODULES_OF_EXTRA = {"typer", "rich", "yaml"}
_EXTRAS = {"mcp": "mcp", "serve": "web", "workbench": "web"}
"""The extra of a command that needs more than `cli`, which comes with it."""

_NOT_INSTALLED = 2
_INTERRUPTED = 130


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
        from customerio_tool.doors.cli.commands import app

        app(given, prog_name=DISTRIBUTION)
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in _MODULES_OF_EXTRA:
            raise
        sys.stderr.write(f"This command needs an extra:\n  {how_to_install(_extra_of(given))}\n")
        raise SystemExit(_NOT_INSTALLED) from None
    except KeyboardInterrupt:  # while the modules load; a command has its own answer to it
        raise SystemExit(_INTERRUPTED) from None


def _extra_of(arguments: Sequence[str]) -> str:
    command = arguments[0] if arguments else ""
    if command == "demo" and "--open" in arguments:
        return "web"
    return _EXTRAS.get(command, "cli")
