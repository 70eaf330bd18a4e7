"""How the demo went: a row for each subtool, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from customerio_tool.doors.cli.demo.player import Played
from customerio_tool.doors.cli.demo.transcript import Row
from customerio_tool.subtools import PAGE


def rows_of(played: Sequence[Played]) -> list[Row]:
    """Return for each subtool, and each look-up that was called, whether it did its promise."""
    called = dict.fromkeys(each.step.subtool for each in played)
    names = (*PAGE, *(name for name in called if name not in PAGE))
    return [_row(name, [each for each in played if each.step.subtool == name]) for name in names]


def _row(name: str, played: Sequence[Played]) -> Row:
    if not played:
        return Row(name, (), "not called", is_proved=None)
    problems = [each.problem for each in played if each.problem]
    shown = "; ".join(problems or [each.step.proof for each in played])
    calls = tuple(call for each in played for call in each.calls)
    return Row(name, calls, shown, is_proved=not problems)


def verdict_of(rows: Sequence[Row], played: Sequence[Played]) -> tuple[str, bool]:
    """Return how it went in words, and whether every subtool was called and proved."""
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
    return words, not unproved and not uncalled
