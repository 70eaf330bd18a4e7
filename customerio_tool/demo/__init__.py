"""The demo: a conversation through all 24 subtools on a local Customer.io, proved step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customerio_tool.demo.player import Caller, Played, Player
from customerio_tool.demo.server import Server
from customerio_tool.demo.story import STORY
from customerio_tool.demo.transcript import Transcript
from customerio_tool.ledger import MemoryLedger
from customerio_tool.subtools import subtools
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from rich.console import Console

    from customerio_tool.sandbox import Sandbox

__all__ = ["run"]


def run(console: Console, *, sandbox: Sandbox | None = None, tool: Caller | None = None) -> bool:
    """Play the conversation and show it; true if the server held all that was promised.

    Args:
        console: Where it is shown.
        sandbox: A running local Customer.io with the demo workspace; by default a new one.
        tool: Where the calls go; by default a tool on that sandbox.
    """
    if sandbox is None:
        from customerio_tool.sandbox import Sandbox

        with Sandbox() as new:
            return run(console, sandbox=new, tool=tool)
    saved = sandbox.connection()
    transcript = Transcript(console)
    transcript.opening(sandbox.console_url)
    server = Server(saved)
    try:
        # A new sandbox has no past, whatever a ledger remembers of an earlier one.
        with CustomerIoTool(saved, ledger=MemoryLedger()) as own:
            played = list(Player(tool or own, server, transcript).play(STORY))
    finally:
        server.close()
    return _close(transcript, played)


def _close(transcript: Transcript, played: list[Played]) -> bool:
    """Show the table, then what is missing; true if nothing is."""
    rows = [_row(name, played) for name in subtools()]
    transcript.table(rows)
    unproved = [name for name, _, _, _, is_proved in rows if not is_proved]
    calls = sum(len(each.outcomes) for each in played)
    if unproved:
        words = f"{len(unproved)} of {len(rows)} subtools did not: {', '.join(unproved)}."
    else:
        mended = sum(each.step.repair is not None for each in played)
        words = (
            f"All {len(rows)} subtools did what they promise: {calls} calls, "
            f"{mended} wrong at first and repaired."
        )
    transcript.verdict(words, is_good=not unproved)
    return not unproved


def _row(name: str, played: list[Played]) -> tuple[str, int, str, str, bool]:
    ours = [each for each in played if each.step.subtool == name]
    outcomes = [outcome for each in ours for outcome in each.outcomes]
    problems = [each.problem for each in ours if each.problem]
    proof = "; ".join(problems or [each.step.proof for each in ours]) or "was never called"
    is_proved = bool(ours) and not problems
    return name, len(outcomes), outcomes[0] if outcomes else "", proof, is_proved
