"""What a run is told as: a table for a terminal, Markdown and JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from benchmarks.measuring import Figure, Spread
from benchmarks.rows import ROWS, Row

LIBRARIES = (
    *("requests", "urllib3", "pydantic", "customerio", "async-customerio", "aiohttp", "redis"),
)
HEAD = ("Figure", "Measured", "Middle half", "By wall time", "Must", "Goal")


@dataclass(frozen=True)
class Report:
    """What one run found.

    Args:
        figures: The figures, by the key of their row.
        machine: What it ran on.
        small: The scenarios that were measured at small sizes.
    """

    figures: Mapping[str, Figure]
    machine: Mapping[str, Any]
    small: Sequence[str] = ()

    def of(self, scenario: str) -> Iterator[tuple[Row, Figure]]:
        """Yield the rows of a scenario that were measured."""
        for row in ROWS[scenario]:
            if row.key in self.figures:
                yield row, self.figures[row.key]

    def as_json(self) -> str:
        """Return it as text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Return the report of a JSON text."""
        stored = json.loads(text)
        figures = {
            key: Figure(key, Spread(**each["value"]), each["wall"] and Spread(**each["wall"]))
            for key, each in stored["figures"].items()
        }
        return cls(figures, stored["machine"], tuple(stored["small"]))


def machine() -> dict[str, Any]:
    """Return what decides times, beside the code."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def number(value: float, unit: str) -> str:
    """Return a number with its unit, as short as it may be."""
    if unit == "x":
        return f"{value:.2f}"
    unit = "" if unit == "tokens" else unit  # the title says so
    rounded = f"{value:,.2f}" if abs(value) < 10 and value % 1 else f"{value:,.0f}"
    return f"{rounded} {unit}".rstrip()


def cells(row: Row, figure: Figure) -> dict[str, str]:
    """Return a figure as the cells of a row; what misses what it must be is in bold."""
    value, wall = figure.value, figure.wall
    measured = number(value.median, row.unit)
    spread = f"{number(value.low, row.unit)} to {number(value.high, row.unit)}"
    return {
        "Figure": row.title,
        "Measured": measured if row.holds(value.median) else f"**{measured}**",
        "Middle half": "" if value.low == value.high else spread,
        "By wall time": "" if wall is None else number(wall.median, row.unit),
        "Must": "" if row.must is None else number(row.must, row.unit),
        "Goal": "" if row.goal is None else number(row.goal, row.unit),
    }


def markdown_table(found: Iterable[tuple[Row, Figure]], columns: Sequence[str] = HEAD) -> str:
    """Return rows as a table of some columns."""
    lines = [list(columns), ["---", *["---:"] * (len(columns) - 1)]]
    lines += [[cells(*pair)[name] for name in columns] for pair in found]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def everything(report: Report) -> Iterator[tuple[Row, Figure]]:
    """Yield all rows that were measured."""
    for scenario in ROWS:
        yield from report.of(scenario)


def promised(report: Report) -> Iterator[tuple[Row, Figure]]:
    """Yield the rows that must be something."""
    return (pair for pair in everything(report) if pair[0].must is not None)


_INTRO = """# Speed and size, beside the other clients

Made by `python -m benchmarks` on {date}: one machine of {cores} cores that had other work to do,
Python {python}, {libraries}.

The server is on loopback, in a process and on a core of its own. Ratios are of CPU times, unless
they are of calls per second: all clients run in one process, round by round in a new order, and the
figure is the median of the ratios within the rounds. The middle half is what lies between their
quartiles. There are {variables} environment variables, as requests walks through them in each call.
Files are in memory where the machine allows it, so no disk is measured.
Rate limits run their real code on a clock that is always far enough ahead: sleeps are not measured.
What misses what it must be is in bold.
"""

_SMALL = "Measured at the small sizes of `--short`, also where a title has 10^5 or 10^6.\n\n"

_TITLES = {
    "connections": "Connections",
    "calls": "Whole calls on a kept connection",
    "items": "Ids and rows",
    "conversations": "Many callers",
    "cold_start": "Cold start",
    "memory": "Memory",
    "ledgers": "Ledgers",
    "local_customerio": "The local Customer.io",
    "tokens": "Tokens (o200k)",
}


def markdown(report: Report, variables: int) -> str:
    """Return the whole report as a page."""
    libraries = ", ".join(f"{name} {each}" for name, each in report.machine["libraries"].items())
    told = {**report.machine, "libraries": libraries}
    parts = [_INTRO.format(variables=variables, **told)]
    for scenario, title in _TITLES.items():
        found = list(report.of(scenario))
        if found:
            small = _SMALL if scenario in report.small else ""
            parts.append(f"## {title}\n\n{small}{markdown_table(found)}\n")
    parts.append(f"## What the short mode only shows\n\n{only_shown()}\n")
    return "\n".join(parts)


def only_shown() -> str:
    """Return a list of the rows that no check fails on, and why."""
    rows = (row for each in ROWS.values() for row in each if row.must is not None and row.shown)
    return "\n".join(f"- {row.title}: {row.shown}." for row in rows)


BEGIN, END = "<!-- measured:speed -->", "<!-- /measured:speed -->"


def with_table(page: str, report: Report, *, drawn: bool = False) -> str:
    """Return a page whose table, between two comments, is that of what was promised.

    Args:
        page: The page.
        report: What was measured.
        drawn: Whether the table has only what the chart has.
    """
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    found = (pair for pair in promised(report) if pair[0].drawn or not drawn)
    table = markdown_table(found, ("Figure", "Measured", "Must", "Goal"))
    small = ", ".join(_TITLES[name] for name in report.small)
    note = f"\n\nAt small sizes: {small}." if small else ""
    return f"{before}{BEGIN}\n\n{table}{note}\n\n{END}{after}"
