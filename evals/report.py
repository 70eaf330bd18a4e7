"""What is printed of scores and changes: tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evals.scores import Change, Score


def scores(found: Mapping[tuple[str, str], Score]) -> str:
    """Return a line for each model and group of requests."""
    return _table(
        ("model", "requests", "number", "top-1", "top-3", "top-1 of traps"),
        (
            (*key, str(each.cases), *map(_percent, (each.top1, each.top3, each.traps)))
            for key, each in found.items()
        ),
    )


def changes(found: Mapping[tuple[str, str], Change]) -> str:
    """Return a line for each model and group of requests, with how sure the change is."""
    return _table(
        ("model", "requests", "gained", "lost", "top-1, points", "95 %", "p"),
        (
            (
                *key,
                str(each.gains),
                str(each.losses),
                f"{100 * each.difference:+.1f}",
                f"{100 * each.low:+.1f} to {100 * each.high:+.1f}",
                f"{each.p:.4f}",
            )
            for key, each in found.items()
        ),
    )


def confusions(model: str, score: Score, most: int) -> str:
    """Return what a model mistakes most often, for what."""
    worst = score.confusions[:most]
    return _table(
        (f"{model}: right", "chosen", "times"),
        ((right, chosen or "none", str(times)) for right, chosen, times in worst),
    )


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
