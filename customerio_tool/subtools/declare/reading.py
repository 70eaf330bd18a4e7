"""Reads values in the world's words, and blanks that stand for no value, and says what it read.

What a value can mean is declared on its argument, with the marks of `marks.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from customerio_tool.patterns import pattern
from customerio_tool.records import record
from customerio_tool.subtools.declare.marks import NARROWS, Words, marks, marks_of, metadata_of
from customerio_tool.subtools.declare.times import ZONES, unix_seconds


@cache
def choices_of(args: type[BaseModel], name: str) -> tuple[str, ...]:
    """Return the choices of an argument; an empty tuple if it takes other values too."""
    return tuple(_choices(args.model_fields[name].annotation))


def _choices(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for inner in get_args(annotation):
            yield from _choices(inner)


def base_of(argument: FieldInfo) -> Any:
    """Return the plain type of an argument, such as `int` or `dict`."""
    return _base(argument.annotation)


def _base(annotation: Any) -> Any:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (list, dict, Literal):
        return origin
    return _base(inner[0]) if inner else annotation


@record(frozen=True)
class Reading:
    """How the values of one argument are read; worked out once.

    Args:
        choices: Its choices; empty if it takes other values too.
        words: The world's words for them.
        is_time: Whether it is a time.
        blank: Whether a blank text stands for no value.
        zero: Whether 0 does.
    """

    choices: tuple[str, ...]
    words: list[Words]
    is_time: bool
    blank: bool
    zero: bool


@cache
def readings_of(args: type[BaseModel]) -> Mapping[str, Reading]:
    """Return how the values of each argument are read, by its name."""
    return {name: _reading_of(args, name, one) for name, one in args.model_fields.items()}


def _reading_of(args: type[BaseModel], name: str, argument: FieldInfo) -> Reading:
    is_fillable = not (argument.is_required() or marks(argument, NARROWS))
    is_number = base_of(argument) is int and not _takes_zero(argument)
    return Reading(
        choices=choices_of(args, name),
        words=marks_of(argument, Words),
        is_time=is_time(argument),
        blank=is_fillable,
        zero=is_fillable and (is_time(argument) or is_number),
    )


@cache
def optional_names(args: type[BaseModel]) -> frozenset[str]:
    """Return the names of the arguments that a call may leave out."""
    return frozenset(n for n, one in args.model_fields.items() if not one.is_required())


def is_time(argument: FieldInfo) -> bool:
    """Return whether an argument is a time."""
    return BeforeValidator(unix_seconds) in metadata_of(argument)


def read_values(args: type[BaseModel], given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the arguments as they are read, and sentences on how, or "".

    Args:
        args: The class of the arguments.
        given: The arguments as plain JSON values.
    """
    values: dict[str, Any] = {}
    blank: list[str] = []
    sentences: list[str] = []
    readings = readings_of(args)
    for name, value in given.items():
        reading = readings.get(name)
        if reading is None:
            values[name] = value
        elif _is_filler(reading, value):
            blank.append(name)
        else:
            values[name], meant = _read(reading, value)
            sentences += [f"{name} was read as {meant}."] if meant else []
    if blank:
        sentences.append(f"Taken as not given: {', '.join(blank)}.")
    return values, " ".join(sentences)


def _is_filler(reading: Reading, value: Any) -> bool:
    """Whether a value of an optional argument can only stand for none."""
    if isinstance(value, str):
        return reading.blank and not value.strip()
    return reading.zero and type(value) in (int, float) and value == 0


def _takes_zero(argument: FieldInfo) -> bool:
    return any(getattr(each, "ge", None) == 0 for each in metadata_of(argument))


def _read(reading: Reading, value: Any) -> tuple[Any, str]:
    """Return a value as it is read, and what it was read as if that is not what it says."""
    if not isinstance(value, str):
        return value, ""
    if reading.choices:
        choice = chosen(value, reading.choices, reading.words)
        return (value, "") if choice in (None, value) else (choice, repr(choice))
    if reading.is_time and (zone := _ZONE.search(value.strip().upper())):
        offset = ZONES.get(zone[1], "")
        return value, f"{zone[1]}, which is {offset}" if offset else ""
    return value, ""


_ZONE = pattern(r"\d ?([A-Z]{3,4})$")


def chosen(value: str, choices: tuple[str, ...], words: list[Words]) -> str | None:
    """Return the choice that a word can only mean, or None."""
    folded = re.sub(r"[\s_-]+", "_", value.strip().casefold())
    if folded in choices:
        return folded
    found = (each.choices.get(folded) for each in words)
    return next(filter(None, found), None)
