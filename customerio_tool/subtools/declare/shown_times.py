"""Shows the times of a reply in ISO 8601, the form in which arguments take them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeAlias

from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.times import iso_time

EACH_MEMBER = "*"
"""A step of a path that stands for every member of an object."""

_END_OF_SECONDS = 100_000_000_000
"""The end of the Unix seconds that an argument takes for such; it reads more as milliseconds."""

_SECONDS_AS_TEXT = pattern(r"[1-9][0-9]{8,10}", re.ASCII)
"""Unix seconds as a text, since 1973: a shorter text of digits may be a date."""


def with_iso_times(reply: Any, paths: Iterable[str]) -> Any:
    """Return a reply whose times are ISO 8601 in UTC; nothing else of it changes.

    What is no positive number of Unix seconds stays: Customer.io has 0 where there is no time.

    Args:
        reply: The reply's JSON; it is not changed.
        paths: The paths of the members that hold Unix seconds, as in `People`; the step `*` is
            every member of an object.
    """
    return _changed(reply, _tree(tuple(paths)))


_Tree: TypeAlias = "dict[str, _Tree]"


@cache
def _tree(paths: tuple[str, ...]) -> _Tree:
    """Return paths as one tree, so that one walk serves them all."""
    tree: _Tree = {}
    for path in paths:
        branch = tree
        for step in path.split("."):
            branch = branch.setdefault(step, {})
    return tree


def _changed(value: Any, tree: _Tree) -> Any:
    if isinstance(value, list):
        return [_changed(item, tree) for item in value]
    if not tree:
        return _shown(value)
    if not isinstance(value, dict):
        return value
    changed = dict(value)
    for step, branch in tree.items():
        for name in value if step == EACH_MEMBER else (step,):
            if name in value:
                changed[name] = _changed(changed[name], branch)
    return changed


def _shown(value: Any) -> Any:
    seconds = int(value) if isinstance(value, str) and _SECONDS_AS_TEXT.fullmatch(value) else value
    is_time = type(seconds) is int and 0 < seconds < _END_OF_SECONDS
    return iso_time(seconds) if is_time else value
