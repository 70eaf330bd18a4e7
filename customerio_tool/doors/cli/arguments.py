"""Reads the arguments of a call from the command line, and points at a mistake in their JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.cells import cell_len

from customerio_tool.errors import Problem
from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.declare.json_input import parse, read


def text_of(given: str | None) -> str | bytes | None:
    """Return the JSON text that is given: itself, a file's after `@`, or standard input's for `-`.

    Raises:
        BadParameter: The file cannot be read.
    """
    if given == "-":
        return sys.stdin.buffer.read()
    if given is None or not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        why = getattr(error, "strerror", None) or "it is no path"
        raise typer.BadParameter(f"{given[1:]} cannot be read: {why}") from None


def with_pairs(
    subtool: Subtool[Any], text: str | bytes | None, pairs: Sequence[str]
) -> Mapping[str, Any] | str | bytes | None:
    """Return the arguments of a call: a JSON text with those of `--arg NAME=VALUE` added.

    A value is text where the argument takes text, and else JSON; what is no JSON is text.

    Args:
        subtool: The subtool whose arguments they are.
        text: A JSON object, or None.
        pairs: Each `NAME=VALUE`.

    Raises:
        ArgumentsInvalid: The text is no JSON object, and there are pairs to add.
        BadParameter: A pair has no `=`, or an argument is given twice.
    """
    if not pairs:
        return text
    members = read(text)
    for pair in pairs:
        name, is_set, value = pair.partition("=")
        if not is_set:
            raise typer.BadParameter(f"--arg takes NAME=VALUE, and {pair!r} has no =")
        if name in members:
            raise typer.BadParameter(f"{name} is given twice; give it once")
        members[name] = _value(subtool, name, value)
    return members


def _value(subtool: Subtool[Any], name: str, text: str) -> Any:
    declared = subtool.input_schema()["properties"].get(name, {"type": "string"})
    if declared["type"] == "string":
        return text
    try:
        return parse(text)
    except Problem:
        return text


def mistake_in(text: object, columns: int) -> str | None:
    """Return where a JSON text goes wrong: line, column, and that line over a caret.

    None means that it is JSON, or no text. Of a long line only the part around the mistake is
    shown.

    Args:
        text: The text, as it was given.
        columns: The width of the terminal.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", errors="replace")
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _pointed(text.splitlines()[error.lineno - 1 :], error, min(columns, 80) - 4)
    except (ValueError, RecursionError):
        pass
    return None


def _pointed(lines: Sequence[str], error: json.JSONDecodeError, width: int) -> str:
    # The end of a text may stand behind its last line.
    line, at = (lines[0] if lines else ""), error.colno - 1
    start = max(0, at - width // 2)
    shown = "".join(c if c.isprintable() else " " for c in line[start : start + width])
    caret = " " * cell_len(shown[: at - start]) + "^"
    place = f"line {error.lineno}, column {error.colno}: {error.msg}"
    return f"{place}\n  {shown}\n  {caret}"
