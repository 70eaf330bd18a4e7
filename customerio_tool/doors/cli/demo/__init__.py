"""The demo: a scripted conversation that calls every subtool, each call checked on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customerio_tool.doors.cli.demo.closing import rows_of, verdict_of
from customerio_tool.doors.cli.demo.player import Caller, Played, Player
from customerio_tool.doors.cli.demo.server import Server
from customerio_tool.doors.cli.demo.story import STORY
from customerio_tool.doors.cli.demo.transcript import Row, Transcript
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from rich.console import Console

    from customerio_tool.sandbox import Sandbox

__all__ = ["play", "run"]


def run(console: Console, *, sandbox: Sandbox | None = None, tool: Caller | None = None) -> bool:
    """Play the conversation; return true if every subtool was called and every check passed.

    `play` describes the arguments.
    """
    return all(row.is_proved for row in play(console, sandbox=sandbox, tool=tool))


def play(
    console: Console, *, sandbox: Sandbox | None = None, tool: Caller | None = None
) -> list[Row]:
    """Play the conversation; return for each subtool whether it did what it promises.

    Args:
        console: The console to print to.
        sandbox: A running local Customer.io with the demo workspace; by default a new one.
        tool: Runs the calls; by default a tool on that sandbox.
    """
    if sandbox is None:
        from customerio_tool.sandbox import Sandbox

        with Sandbox() as new:
            return play(console, sandbox=new, tool=tool)
    saved = sandbox.connection()
    transcript = Transcript(console)
    transcript.opening(sandbox.track_url)
    server = Server(saved)
    try:
        with CustomerIoTool(saved) as own:
            played = list(Player(tool or own, server, transcript).play(STORY))
    finally:
        server.close()
    return _close(transcript, played)


def _close(transcript: Transcript, played: list[Played]) -> list[Row]:
    """Print the closing table and sentence; return the rows of the table."""
    rows = rows_of(played)
    transcript.table(rows)
    words, is_good = verdict_of(rows, played)
    transcript.verdict(words, is_good=is_good)
    return rows
