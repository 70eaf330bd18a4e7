"""Tables of Markdown, and the rows that more than one published page has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from customerio_tool.policy import Policy

_PRESETS: Mapping[str, Callable[[], Policy]] = {
    "careful": Policy.careful,
    "read_only": Policy.reads,
    "open": Policy.open,
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, without a line end after it."""
    lines = (head, ["---"] * len(head), *rows)
    cells = ([_cell(cell) for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def preset_rows() -> list[tuple[str, str]]:
    """Return the name of each preset of a policy, and what it allows."""
    return [(f"`{name}`", _meaning(made)) for name, made in _PRESETS.items()]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _meaning(made: Callable[[], Policy]) -> str:
    """Return what a preset allows, from the docstring of the function that makes it."""
    return (made.__doc__ or "").partition(": ")[2].rstrip(".")
