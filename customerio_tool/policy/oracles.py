"""Finds calls that would tell a hidden attribute without returning it.

An audience that depends on the attribute tells it by its size, and a message with the attribute in
its text tells it to whoever reads the message.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator
from typing import Any

from customerio_tool.errors import FieldProblem
from customerio_tool.subtools.declare import Args, Subtool, is_hidden
from customerio_tool.subtools.declare.privacy import folded
from customerio_tool.subtools.declare.problems import path_of

_Path = tuple[str | int, ...]

_STRING = re.compile(r"""'[^']*'|"[^"]*\"""")
_NAME = r"\w+(?:-\w+)*"
_STEP = rf"""\s*(?:\.\s*{_NAME}|\.?\s*\[\s*(?:'[^']*'|"[^"]*")\s*\])"""
_PERSON = re.compile(
    rf"(?<!\w)(?<!\w-)customer(?!\w|-\w)((?:{_STEP})*)(\s*\.?\s*\[)?", re.IGNORECASE
)
"""The person in an expression: the literal steps into their attributes, and `[` before another."""

_NAME_OF_STEP = re.compile(rf"""\.\s*({_NAME})|'([^']*)'|"([^"]*)\"""")
_TAGS = (
    re.compile(r"\{[{%].*?(?:[}%]\}|\Z)", re.DOTALL),
    re.compile(r"""\{[{%](?:'[^']*'|"[^"]*"|(?![}%]\}).)*""", re.DOTALL),
)
"""Liquid's tags, which end at the first end or at the first end outside of a string."""


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
        if (problem := _liquid_problem(text, hidden))
    ]
    return [*filters, *texts]


def _fields_with(value: Any, hidden: Collection[str], path: _Path) -> Iterator[_Path]:
    """Yield the path of every member `field` in a filter that names a hidden attribute."""
    for step, item in _items_of(value):
        names = re.split(r"[.\[\]'\"]+", item) if isinstance(item, str) else []
        if step == "field" and any(is_hidden(name, hidden) for name in (str(item), *names)):
            yield (*path, step)
        yield from _fields_with(item, hidden, (*path, step))


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


def _liquid_problem(text: str, hidden: Collection[str]) -> tuple[str, str] | None:
    """Return the problem and the fix of a text whose Liquid may read a hidden attribute."""
    for given in {text, html.unescape(text)}:
        if "{{" not in given and "{%" not in given:
            continue
        written = re.sub(r"\s+", " ", given)  # the patterns take squared time on long white space
        if _names_hidden(written, hidden):
            return "reads an attribute that this agent may not see", "take it out of the text"
        if any(map(_reads_unnamed, _tags_of(written))):
            return (
                "may read an attribute that this agent may not see",
                "name each attribute as customer.<name>, or take it out of the text",
            )
    return None


def _tags_of(text: str) -> Iterator[str]:
    for pattern in _TAGS:
        yield from pattern.findall(text)


def _names_hidden(text: str, hidden: Collection[str]) -> bool:
    names = (
        "".join(groups)
        for found in _PERSON.finditer(text)
        for groups in _NAME_OF_STEP.findall(found[1])
    )
    if any(is_hidden(name, hidden) for name in names):
        return True
    return any(f"customer.{name}" in folded(text) for name in hidden if not name.isidentifier())


def _reads_unnamed(tag: str) -> bool:
    """Return whether a tag uses a person as a whole, or an attribute whose name it computes."""
    code = _STRING.sub("''", tag)
    return any(
        found[2] or not (found[1] or code[: found.start()].rstrip().endswith("."))
        for found in _PERSON.finditer(code)
    )
