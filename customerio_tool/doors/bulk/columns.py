"""The columns of a CSV file: which argument each is, and of which type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customerio_tool.doors.bulk.job import InputInvalid
from customerio_tool.errors import Problem
from customerio_tool.subtools.declare.json_input import parse

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OF_SCHEMA = {"integer": "int", "number": "number", "boolean": "flag"}


def _int(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,300}", text.strip()):
        raise Problem("is not a whole number", "write digits only")
    return int(text)


def _number(text: str) -> float | int:
    try:
        value = json.loads(text.strip())
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Problem("is not a number", "write it with a decimal point, such as 19.5")
    return value


def _flag(text: str) -> bool:
    if (value := _WORDS.get(text.strip().lower())) is None:
        raise Problem("is not true or false", "write true or false")
    return value


TYPES: Mapping[str, Callable[[str], Any]] = {
    "text": lambda text: text,
    "int": _int,
    "number": _number,
    "flag": _flag,
    "json": parse,
}
"""What reads a cell, by the name of its type."""


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        title: Its title in the file.
        path: The argument, and the members inside it; empty if the column is left out.
        kind: The name of its type.
    """

    title: str
    path: tuple[str, ...]
    kind: str = "text"

    @classmethod
    def of(cls, title: str, target: str, schema: Mapping[str, Any]) -> Column:
        """Return the column of a title and a target such as `attributes.age:int`.

        Args:
            title: The title.
            target: The path, with dots between its names, and perhaps a type; "" leaves it out.
            schema: The properties of the arguments: an argument that is no text has its own type.

        Raises:
            InputInvalid: A name in the path is empty.
        """
        name, colon, kind = target.strip().rpartition(":")
        if not colon or kind not in TYPES:
            name, kind = target.strip(), ""
        path = tuple(name.split(".")) if name else ()
        if not all(path):
            raise InputInvalid(f"The column {title!r} is mapped to {target!r}, which is no path.")
        declared = schema.get(path[0], {}).get("type", "string") if len(path) == 1 else "string"
        is_nested = declared in ("object", "array")
        return cls(title, path, kind or ("json" if is_nested else _OF_SCHEMA.get(declared, "text")))


def columns_of(
    titles: Sequence[str], mapped: Mapping[str, str], schema: Mapping[str, Any]
) -> list[Column]:
    """Return the columns of a file.

    Args:
        titles: The titles, from its first line.
        mapped: The target of some titles; any other column is what its title says.
        schema: The properties of the arguments.

    Raises:
        InputInvalid: Two columns are the same argument, or a mapped title is not there.
    """
    missing = [title for title in mapped if title not in titles]
    if missing:
        shown = ", ".join(repr(title) for title in titles[:20])
        raise InputInvalid(f"There is no column {missing[0]!r}; the columns are {shown}.")
    columns = [Column.of(title, mapped.get(title, title), schema) for title in titles]
    taken: dict[tuple[str, ...], str] = {}
    for column in columns:
        for other, title in taken.items():
            if column.path and _overlap(column.path, other):
                where = ".".join(column.path)
                raise InputInvalid(
                    f"The columns {title!r} and {column.title!r} are both {where}; "
                    + _way_out(title, column.title)
                )
        if column.path:
            taken[column.path] = column.title
    return columns


def _way_out(title: str, other: str) -> str:
    if title == other:  # a map by its title would leave out both
        return "give one of them another title in the first line of the file"
    return f"leave one out, with --map {other!r}="


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def arguments_of(columns: Sequence[Column], cells: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that the cells of a row hold; an empty cell is not given.

    Raises:
        Problem: There are more or fewer cells than columns, or a cell is not of its type.
    """
    if len(cells) != len(columns):
        problem = f"has {len(cells)} cells, and the header has {len(columns)}"
        raise Problem(problem, "put quotes around a cell that holds a delimiter")
    arguments: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=True):
        if column.path and cell != "":
            _put(arguments, column.path, _value(column, cell))
    return arguments


def _value(column: Column, cell: str) -> Any:
    try:
        return TYPES[column.kind](cell)
    except Problem as problem:
        raise Problem(f"{'.'.join(column.path)} {problem.problem}", problem.fix) from None


def _put(arguments: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        arguments = arguments.setdefault(name, {})
    arguments[path[-1]] = value
