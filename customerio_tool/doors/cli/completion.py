"""Completes the names of subtools and of their arguments in a shell."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from customerio_tool.subtools import all_subtools, subtools


def subtool_names(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Yield each subtool whose name begins so, with its first sentence.

    The look-ups are among them behind `--lookups`.
    """
    for name, subtool in (all_subtools() if ctx.params.get("lookups") else subtools()).items():
        if name.startswith(incomplete):
            yield name, subtool.promise


def argument_pairs(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Yield each `NAME=` of the subtool on the line; after it, the values to choose from."""
    # A line that ends in `--arg` is not parsed to its end: the name is among the rest then.
    named = [str(ctx.params.get("name")), *ctx.args]
    subtool = next((all_subtools()[each] for each in named if each in all_subtools()), None)
    declared = subtool.input_schema()["properties"] if subtool else {}
    for name, schema in declared.items():
        pairs = [f"{name}={choice}" for choice in schema.get("enum", ())]
        offered = pairs if incomplete.startswith(f"{name}=") else [f"{name}="]
        for each in offered:
            if each.startswith(incomplete):
                yield each, schema.get("description", "")
