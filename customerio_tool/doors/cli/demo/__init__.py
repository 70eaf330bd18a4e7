"""The demo: a scripted conversation that calls every subtool, each call checked on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customerio_tool.doors.cli.demo.closing import rows_of, verdict_of
from customerio_tool.doors.cli.demo.finding import FINDING
from customerio_tool.doors.cli.demo.player import Caller, Played, Player
from customerio_tool.doors.cli.demo.server import Server
from customerio_tool.doors.cli.demo.story import STORY
from customerio_tool.doors.cli.demo.transcript import Row, Transcript
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from rich.console import Console

    from customerio_tool.sandbox import Sandbox

__all__ = ["play", "run"]


def run(
    console: Console,
    *,
    sandbox: Sandbox | None = None,
    tool: Caller | None = None,
    lookups: bool = False,
) -> bool:
    """Play the conversation; return true if every subtool was called and every check passed.

    `play` describes the arguments.
    """
    rows = play(console, sandbox=sandbox, tool=tool, lookups=lookups)
    return all(row.is_proved for row in rows)


def play(
    console: Console,
    *,
    sandbox: Sandbox | None = None,
    tool: Caller | None = None,
    lookups: bool = False,
) -> list[Row]:
    """Play the conversation; return for each subtool whether it did what it promises.

    Args:
        console: The console to print to.
        sandbox: A running local Customer.io with the demo workspace; by default a new one.
        tool: Runs the calls; by default a tool on that sandbox.
        lookups: Whether to play the act of the look-ups too; such a tool must have them.
    """
    if sandbox is None:
        from customerio_tool.sandbox import Sandbox

        with Sandbox() as new:
            return play(console, sandbox=new, tool=tool, lookups=lookups)
    saved = sandbox.connection()
    transcript = Transcript(console)
    transcript.opening(sandbox.track_url)
    server = Server(saved)
    try:
        acts = (*STORY, FINDING) if lookups else STORY
        with CustomerIoTool(saved, lookups=lookups) as own:
            played = list(Player(tool or own, server, transcript).play(acts))
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
