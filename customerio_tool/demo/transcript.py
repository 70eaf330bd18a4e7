"""How the demo looks: who speaks, what is called, what came back, what the server shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

USER, AGENT, TOOL, SERVER = "Noor", "agent", "tool", "server"
_LABEL_COLUMNS = 8


class Transcript:
    """Writes the conversation to a console, as colour on a terminal and as plain text elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_act_new = False
        # An encoding without these signs must not end the demo.
        self._is_unicode = console.encoding.startswith("utf")
        self._good, self._bad, self._rest, self._quotes = (
            ("✔", "✘", "…", "“”") if self._is_unicode else ("+", "x", "...", '""')
        )

    def opening(self, where: str) -> None:
        """Say what is played, and where."""
        self._console.print(Text("customerio-tool demo", style="bold"))
        self._console.print(
            f"{USER} keeps a small pottery shop, and the agent is her assistant. Its calls are "
            f"real, some wrong at first, and go to a local Customer.io at {where}. After each step "
            f"the {SERVER} is read over plain HTTP: only what it holds counts.",
            highlight=False,
        )

    def act(self, title: str) -> None:
        """Begin a part of the conversation."""
        self._console.print()
        self._console.rule(Text(title, style="bold"), align="left", style="dim")
        self._is_act_new = True

    def asked(self, words: str) -> None:
        """Show what the user says."""
        if not self._is_act_new:
            self._console.print()
        self._is_act_new = False
        self._line(USER, Text(f"{self._quotes[0]}{words}{self._quotes[1]}"), "bold cyan")

    def called(self, subtool: str, arguments: Mapping[str, Any]) -> None:
        """Show a call, whole."""
        self._line(AGENT, _call(subtool, arguments), "magenta")

    def mended(
        self, subtool: str, arguments: Mapping[str, Any], instead_of: Mapping[str, Any]
    ) -> None:
        """Show a repaired call by what differs from the wrong one."""
        missing = object()
        new = {k: v for k, v in arguments.items() if instead_of.get(k, missing) != v}
        words = _call(subtool, new, rest=self._rest if len(new) < len(arguments) else "")
        if gone := [name for name in instead_of if name not in arguments]:
            words.append(f" without {', '.join(gone)}", style="not bold")
        self._line(AGENT, words, "magenta")

    def succeeded(self, words: str) -> None:
        """Show what the tool says of a call that worked."""
        self._line(TOOL, Text(words), "dim", self._good)

    def failed(self, words: str) -> None:
        """Show how an error teaches."""
        self._line(TOOL, Text(words, style="yellow"), "dim", self._bad)

    def proved(self, words: str) -> None:
        """Show what the server was found to hold."""
        self._line(SERVER, Text(words, style="green"), "green", self._good)

    def disproved(self, words: str) -> None:
        """Show what was expected of the server, and what it holds."""
        self._line(SERVER, Text(words, style="bold red"), "red", self._bad)

    def table(self, rows: Iterable[tuple[str, int, str, str, bool]]) -> None:
        """Close with one row for each subtool: its calls, first outcome, proof, and whether."""
        shape = box.SIMPLE_HEAD if self._is_unicode else box.ASCII2
        table = Table(box=shape, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
        table.add_column("subtool", no_wrap=True)
        table.add_column("calls", justify="right")
        table.add_column("first outcome", no_wrap=True)
        table.add_column("read back from the server")
        table.add_column("")
        for name, calls, first, proof, is_proved in rows:
            mark = Text(self._good, "green") if is_proved else Text(self._bad, "bold red")
            table.add_row(name, str(calls), first, Text(proof), mark)
        self._console.print()
        self._console.print(table)

    def verdict(self, words: str, *, is_good: bool) -> None:
        """Say how it ended."""
        self._console.print()
        mark = self._good if is_good else self._bad
        self._console.print(Text(f"{mark} {words}", style="bold green" if is_good else "bold red"))

    def _line(self, who: str, words: Text, style: str, mark: str = "") -> None:
        label = f"{who} {mark}".rstrip().rjust(_LABEL_COLUMNS) + " "
        for line in words.wrap(self._console, self._console.width - len(label)):
            line.rstrip()
            self._console.print(Text.assemble((label, style), line), soft_wrap=True)
            label = " " * len(label)


def _call(subtool: str, arguments: Mapping[str, Any], rest: str = "") -> Text:
    members = [f'"{name}": {json.dumps(each)}' for name, each in arguments.items()]
    told = ", ".join([*members, rest] if rest else members)
    return Text(subtool, style="bold").append(f" {{{told}}}", style="not bold")
