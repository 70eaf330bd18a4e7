"""Plays the demo, and leaves its workspace open to look around in the console and the workbench."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from customerio_tool.calls.call import CallContext
from customerio_tool.doors.cli.demo import play
from customerio_tool.doors.cli.demo.transcript import Row
from customerio_tool.doors.cli.display import tell, write_json
from customerio_tool.doors.cli.serve import refuse_without_extra
from customerio_tool.doors.cli.workbench import addresses, serve_pages
from customerio_tool.doors.ground import Ground
from customerio_tool.policy import Policy
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from rich.console import Console

RUN = "demo"
"""The run of the demo's calls, by which the workbench finds them."""


def play_and_look(console: Console, *, as_json: bool, lookups: bool = False) -> list[Row]:
    """Play the demo, then serve both faces of its workspace until SIGINT or SIGTERM.

    Args:
        console: The console to print the demo to.
        as_json: Whether to print the rows with the addresses as one JSON object.
        lookups: Whether to play the act of the look-ups too.

    Returns:
        For each subtool whether it did what it promises.

    Raises:
        Exit: The extra `web` is not installed; that was printed.
    """
    refuse_without_extra()
    from customerio_tool.doors.workbench.workspaces import Workspace, Workspaces
    from customerio_tool.sandbox import Sandbox

    with Sandbox() as local:
        # The policy of the environment is not for this workspace: the demo calls everything.
        policy = Policy(lookups=lookups or None)
        workspace = Workspace("local", "Local Customer.io", Ground.on(local), policy)
        with workspace.tool() as tool:
            rows = play(console, sandbox=local, tool=_OneRun(tool), lookups=lookups)

        def tell_ready(ready: dict[str, str]) -> None:
            if as_json:
                write_json({"subtools": [asdict(row) for row in rows], **ready})
            else:
                tell(f"\nLook around in what it left behind:\n{addresses(ready)}")
                tell("The link works once; Ctrl-C stops both.")

        serve_pages(Workspaces(workspace), 0, tell_ready, opens=True)
    return rows


class _OneRun:
    """A tool whose calls are all of one run."""

    def __init__(self, tool: CustomerIoTool) -> None:
        self._tool = tool
        self._context = CallContext(run_id=RUN, door="shell")

    def call(self, name: str, arguments: str, /) -> dict[str, Any]:
        """Run a subtool and return its result envelope."""
        return self._tool.call(name, arguments, context=self._context)
