"""Measures the tool beside other clients: `python -m benchmarks` (extra `dev`, on Linux).

It prints a table, and writes `benchmarks/results/speed.json`, `speed.md`, the chart, and the tables
of the pages; with `--only`, what it did not measure stays as it was. `--short` is for checks: the
sizes are small, nothing is written, and a ratio that is 25 % worse than it must be is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import chart, reports
from benchmarks.measuring import Figure
from benchmarks.reports import Report
from benchmarks.rows import ROWS, SLACK, Row
from benchmarks.running import VARIABLES, Run, ground

RESULTS = Path(__file__).parent / "results"
JSON, PAGE = RESULTS / "speed.json", RESULTS / "speed.md"
ROOT = Path(__file__).parents[1]
CHART = ROOT / "docs" / "images" / "speed.svg"
PAGES = {ROOT / "README.md": True, ROOT / "docs" / "explanation" / "speed.md": False}
"""The pages that have the chart and a table, and whether it has only what the chart has."""


def measured(run: Run, scenarios: Iterable[str]) -> dict[str, Figure]:
    """Run scenarios one after the other."""
    found: dict[str, Figure] = {}
    for name in scenarios:
        typer.echo(f"{name} ...", err=True)
        found.update(_of(run, name))
    return found


def _of(run: Run, scenario: str) -> dict[str, Figure]:
    module = import_module(f"benchmarks.scenarios.{scenario}")
    declared = {row.key for row in ROWS[scenario]}
    return {figure.key: figure for figure in module.measure(run) if figure.key in declared}


def too_bad(figures: Mapping[str, Figure]) -> dict[str, list[Row]]:
    """Return the rows, by scenario, that are 25 % worse than they must be."""
    bad = {
        name: [
            row
            for row in rows
            if row.is_gated
            and row.key in figures
            and not row.holds(figures[row.key].value.median, SLACK)
        ]
        for name, rows in ROWS.items()
    }
    return {name: rows for name, rows in bad.items() if rows}


MORE_TIMES = 2
"""How many times at most a scenario is measured anew before the short mode fails on it."""


def gated(run: Run, figures: dict[str, Figure]) -> dict[str, list[Row]]:
    """Measure anew what is too bad, as the machine may be busy; return what still is."""
    for scenario in (each for _ in range(MORE_TIMES) for each in too_bad(figures)):
        typer.echo(f"{scenario} once more ...", err=True)
        again = _of(run, scenario)
        for row in ROWS[scenario]:
            if row.key in again and not _is_better(row, figures[row.key], again[row.key]):
                again[row.key] = figures[row.key]
        figures.update(again)
    return too_bad(figures)


def _is_better(row: Row, before: Figure, after: Figure) -> bool:
    was, now = before.value.median, after.value.median
    return now > was if row.more else now < was


def main(
    only: Annotated[list[str] | None, typer.Option(help="Only this scenario.")] = None,
    short: Annotated[bool, typer.Option("--short", help="Small sizes; fail where bad.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    redraw: Annotated[bool, typer.Option("--redraw", help="Only write the pages anew.")] = False,
) -> None:
    """Measure, print a table, and write the reports, unless the sizes are small."""
    if redraw:
        written(Report.from_json(JSON.read_text(encoding="utf-8")))
        return
    for name in only or ():
        if name not in ROWS:
            raise typer.BadParameter(f"the scenarios are {', '.join(ROWS)}", param_hint="--only")
    with ground(is_short=short) as run:
        figures = measured(run, only or ROWS)
        bad = gated(run, figures) if short else {}
    report = Report(figures, reports.machine(), tuple(only or ROWS) if short else ())
    typer.echo(reports.markdown_table(reports.everything(report)))
    if short:
        typer.echo("Sizes are small, also where a title has 10^5 or 10^6. Only shown are:")
        typer.echo(reports.only_shown())
    if json:
        json.write_text(report.as_json(), encoding="utf-8")
    if not short:
        written(_with_others(report, only))
    for row in (row for rows in bad.values() for row in rows):
        typer.echo(f"{row.title}: more than 25 % worse than it must be", err=True)
    raise typer.Exit(1 if bad else 0)


def _with_others(report: Report, only: Collection[str] | None) -> Report:
    """Return a report with the last figures of the scenarios that were not measured now."""
    if not only or not JSON.exists():
        return report
    last = Report.from_json(JSON.read_text(encoding="utf-8"))
    kept = {row.key: each for name in ROWS if name not in only for row, each in last.of(name)}
    small = tuple(name for name in last.small if name not in only)
    return replace(report, figures={**kept, **report.figures}, small=small)


def written(report: Report) -> None:
    """Write the JSON, the page, the chart, and the table of each page."""
    JSON.write_text(report.as_json(), encoding="utf-8")
    PAGE.write_text(reports.markdown(report, VARIABLES), encoding="utf-8")
    CHART.write_text(chart.svg(report), encoding="utf-8")
    for page, drawn in PAGES.items():
        text = page.read_text(encoding="utf-8")
        page.write_text(reports.with_table(text, report, drawn=drawn), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
