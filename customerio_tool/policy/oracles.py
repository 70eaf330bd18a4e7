"""Finds calls that would tell a hidden attribute without returning it.

An audience that depends on the attribute tells it by its size, and a message with the attribute in
its text tells it to whoever reads the message.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from customerio_tool.errors import FieldProblem
from customerio_tool.policy.liquid import liquid_problem
from customerio_tool.subtools.declare import Args, Subtool, is_hidden
from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.privacy import hides_within
from customerio_tool.subtools.declare.problems import path_of

_Path = tuple[str | int, ...]

_BETWEEN_NAMES = re.compile(r"[!-,./:-@\[-^`{-~]+")
"""What separates the names in the path of an attribute: ASCII's punctuation but `-` and `_`."""


def oracle_problems(
    subtool: Subtool[Any], args: Args, hidden: Collection[str]
) -> list[FieldProblem]:
    """Return a problem for each filter and each text of a call that reads a hidden attribute.

    Args:
        subtool: The subtool.
        args: The arguments of the call.
        hidden: The folded names of the hidden attributes.
    """
    if not hidden:
        return []
    filters = [
        FieldProblem(
            path_of(path),
            "depends on an attribute that this agent may not see",
            "ask the user for an audience that does not depend on it, and do not just leave the "
            "condition out",
        )
        for name, value in subtool.filters_of(args).items()
        for path in _fields_with(value, hidden, (name,))
    ]
    texts = [
        FieldProblem(path_of(path), *problem)
        for name, value in subtool.templates_of(args).items()
        for path, text in _texts_in(value, (name,))
        if (problem := liquid_problem(text, hidden))
    ]
    return [*filters, *texts]


def _fields_with(value: Any, hidden: Collection[str], path: _Path) -> Iterator[_Path]:
    """Yield the path of every member `field` in a filter that names a hidden attribute.

    A filter that is a text is the name of an attribute itself.
    """
    if len(path) == 1 and isinstance(value, str) and _depends(visible(value), hidden):
        yield path
    for step, item in _items_of(value):
        if step == "field" and isinstance(item, str) and _depends(visible(item), hidden):
            yield (*path, step)
        yield from _fields_with(item, hidden, (*path, step))


def _depends(field: str, hidden: Collection[str]) -> bool:
    names = [name for name in _BETWEEN_NAMES.split(field) if name.strip()]
    return is_hidden(field, hidden) or hides_within(names, hidden)


def _texts_in(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Yield every text in a value with its path, and every name of a member."""
    if isinstance(value, str):
        yield path, value
    for step, item in _items_of(value):
        if isinstance(step, str):
            yield (*path, step), step
        yield from _texts_in(item, (*path, step))


def _items_of(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []
