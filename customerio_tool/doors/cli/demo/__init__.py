"""The demo: a scripted conversation that calls every subtool, each call checked on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customerio_tool.doors.cli.demo.player import Caller, Played, Player
from customerio_tool.doors.cli.demo.server import Server
from customerio_tool.doors.cli.demo.story import STORY
from customerio_tool.doors.cli.demo.transcript import Row, Transcript
from customerio_tool.subtools import PAGE
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
    rows = [_row(name, [each for each in played if each.step.subtool == name]) for name in PAGE]
    transcript.table(rows)
    unproved = [row.subtool for row in rows if row.is_proved is False]
    uncalled = [row.subtool for row in rows if row.is_proved is None]
    if unproved:
        words = f"{len(unproved)} of {len(rows)} subtools did not: {', '.join(unproved)}."
    else:
        calls = sum(len(each.calls) for each in played)
        repaired = sum(each.step.repair is not None for each in played)
        count = f"{len(rows) - len(uncalled)} of {len(rows)}" if uncalled else f"All {len(rows)}"
        words = (
            f"{count} subtools did what they promise. Of {calls} calls {repaired} were wrong at "
            "first: they changed nothing and were repaired from their errors."
        )
    if uncalled:
        words += f" No step calls {', '.join(uncalled)}."
    transcript.verdict(words, is_good=not unproved and not uncalled)
    return rows


def _row(name: str, played: list[Played]) -> Row:
    if not played:
        return Row(name, (), "not called", is_proved=None)
    problems = [each.problem for each in played if each.problem]
    shown = "; ".join(problems or [each.step.proof for each in played])
    calls = tuple(call for each in played for call in each.calls)
    return Row(name, calls, shown, is_proved=not problems)
