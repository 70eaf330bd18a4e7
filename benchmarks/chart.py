"""The chart of the README: each ratio beside the other client's 1, and what it must not exceed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.reports import Report, number, promised

HERE = Path(__file__).parent
LEFT, RIGHT, WIDTH, TOP, STEP, BAR, GAP = 330, 60, 860, 78, 34, 16, 8
NEAR = 0.3
"""How far behind a bar, as a ratio, a mark would be written over."""


@dataclass(frozen=True)
class Bar:
    """One bar, in pixels.

    Args:
        title: What it shows.
        y: Its upper edge.
        width: Its length.
        must: Where its mark is.
        value: The figure.
        label: Where it is written: behind the bar and its mark.
        misses: Whether it exceeds what it must be.
    """

    title: str
    y: int
    width: float
    must: float
    value: str
    label: float
    misses: bool


def _reached(value: float, must: float) -> float:
    """Return where the mark ends that is in the way of the label, or the bar."""
    return must if value < must < value + NEAR else value


def svg(report: Report) -> str:
    """Return the chart of a report, the same for the same report."""
    ratios = [
        (row, figure, row.must)
        for row, figure in promised(report)
        if row.drawn and row.must is not None
    ]
    longest = max([1.0, *(max(figure.value.median, must) for _, figure, must in ratios)])
    scale = (WIDTH - LEFT - RIGHT) / longest
    bars = [
        Bar(
            title=row.title.replace("`", ""),
            y=TOP + STEP * place,
            width=round(scale * figure.value.median, 1),
            must=round(LEFT + scale * must, 1),
            value=number(figure.value.median, row.unit),
            label=round(LEFT + scale * _reached(figure.value.median, must) + GAP, 1),
            misses=not row.holds(figure.value.median),
        )
        for place, (row, figure, must) in enumerate(ratios)
    ]
    templates = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return (
        templates.get_template("chart.svg.jinja").render(
            bars=bars,
            one=round(LEFT + scale, 1),
            left=LEFT,
            width=WIDTH,
            height=TOP + STEP * len(bars) + 34,
            top=TOP,
            bar=BAR,
            python=report.machine["python"],
            date=report.machine["date"],
        )
        + "\n"
    )
