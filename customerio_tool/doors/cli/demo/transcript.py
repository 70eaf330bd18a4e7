"""Prints the demo: the conversation, the calls and results, and the checks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

USER, AGENT, TOOL, SERVER = "Noor", "agent", "tool", "server"
_LABEL_COLUMNS = 8
_TABLE_COLUMNS = 60
"""What the closing table needs to have a cell for each fact; below, they stand in one."""


@dataclass(frozen=True)
class Called:
    """The result of a call: its `ok`, and its outcome or the error's code."""

    ok: bool
    word: str


@dataclass(frozen=True)
class Row:
    """A row of the closing table; `is_proved` is None if no step calls the subtool."""

    subtool: str
    calls: tuple[Called, ...]
    shown: str
    is_proved: bool | None


class Transcript:
    """Prints the demo to a console, in colour if that is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_act_new = False
        # An encoding that lacks these signs must not break the demo.
        self._is_unicode = console.encoding.startswith("utf")
        self._good, self._bad, self._rest, self._quotes = (
            ("✔", "✘", "…", "“”") if self._is_unicode else ("+", "x", "...", '""')
        )

    def opening(self, url: str) -> None:
        """Introduce the demo, and the local Customer.io at this URL."""
        self._console.print(Text("customerio-tool demo", style="bold"))
        words = (
            f"{USER} keeps a small pottery shop, and the {AGENT} is her assistant. What they say "
            "is scripted; the calls are real, and some are wrong at first, as a model's are: the "
            f"{TOOL}'s error must then teach the repair. They go to a local Customer.io at {url}"
            f", which needs no account. After each step the {SERVER} is read over plain HTTP, past "
            "the tool: only what it holds counts."
        )
        self._paragraph(Text(words))

    def act(self, title: str) -> None:
        """Print the heading of an act."""
        self._console.print()
        self._console.rule(Text(title, style="bold"), align="left", style="dim")
        self._is_act_new = True

    def asked(self, words: str) -> None:
        """Print the user's words."""
        if not self._is_act_new:
            self._console.print()
        self._is_act_new = False
        self._line(USER, Text(f"{self._quotes[0]}{words}{self._quotes[1]}"), "bold cyan")

    def called(self, subtool: str, arguments: Mapping[str, Any]) -> None:
        """Print a call with all its arguments."""
        self._line(AGENT, _call(subtool, arguments), "magenta")

    def repaired(
        self, subtool: str, arguments: Mapping[str, Any], instead_of: Mapping[str, Any]
    ) -> None:
        """Print a repaired call; of its arguments, those that differ from the wrong call."""
        missing = object()
        new = {k: v for k, v in arguments.items() if instead_of.get(k, missing) != v}
        words = _call(subtool, new, rest=self._rest if len(new) < len(arguments) else "")
        if gone := [name for name in instead_of if name not in arguments]:
            words.append(f" without {', '.join(gone)}", style="not bold")
        self._line(AGENT, words, "magenta")

    def succeeded(self, words: str) -> None:
        """Print the summary of a call that succeeded."""
        self._line(TOOL, Text(words), "dim", self._good)

    def failed(self, words: str) -> None:
        """Print the summary of a call that failed."""
        self._line(TOOL, Text(words, style="yellow"), "dim", self._bad)

    def proved(self, words: str) -> None:
        """Print the finding of a check that passed."""
        self._line(SERVER, Text(words, style="green"), "green", self._good)

    def disproved(self, words: str) -> None:
        """Print the finding of a check that failed."""
        self._line(SERVER, Text(words, style="bold red"), "red", self._bad)

    def table(self, rows: Iterable[Row]) -> None:
        """Print the closing table, one row per subtool; a narrow terminal cuts nothing."""
        shape = box.SIMPLE_HEAD if self._is_unicode else box.ASCII2
        table = Table(box=shape, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
        is_narrow = self._console.width < _TABLE_COLUMNS
        table.add_column("subtool", no_wrap=not is_narrow, overflow="fold")
        table.add_column("calls", no_wrap=True)
        if not is_narrow:
            table.add_column("outcome", no_wrap=True)
            table.add_column("read back from the server")
        table.add_column("", no_wrap=True)
        for row in rows:
            calls = "".join(self._good if call.ok else self._bad for call in row.calls)
            last = row.calls[-1].word if row.calls else ""
            mark = self._mark(row.is_proved)
            if is_narrow:
                below = ": ".join(each for each in (last, row.shown) if each)
                table.add_row(Text(row.subtool).append(f"\n{below}", "dim"), calls, mark)
            else:
                table.add_row(row.subtool, calls, last, Text(row.shown), mark)
        self._console.print()
        self._console.print(table)

    def verdict(self, words: str, *, is_good: bool) -> None:
        """Print the last sentence: the demo succeeded, or what failed."""
        self._console.print()
        mark = self._good if is_good else self._bad
        style = "bold green" if is_good else "bold red"
        self._paragraph(Text(f"{mark} {words}", style=style))

    def _paragraph(self, words: Text) -> None:
        for line in words.wrap(self._console, self._console.width):
            line.rstrip()
            self._console.print(line)

    def _mark(self, is_proved: bool | None) -> Text:
        if is_proved is None:
            return Text("-")
        return Text(self._good, "green") if is_proved else Text(self._bad, "bold red")

    def _line(self, who: str, words: Text, style: str, mark: str = "") -> None:
        label = f"{who} {mark}".rstrip().rjust(_LABEL_COLUMNS) + " "
        for line in words.wrap(self._console, self._console.width - len(label)):
            line.rstrip()
            self._console.print(Text.assemble((label, style), line), soft_wrap=True)
            label = " " * len(label)


def _call(subtool: str, arguments: Mapping[str, Any], rest: str = "") -> Text:
    members = [f'"{name}": {json.dumps(each)}' for name, each in arguments.items()]
    listed = ", ".join([*members, rest] if rest else members)
    return Text(subtool, style="bold").append(f" {{{listed}}}", style="not bold")
