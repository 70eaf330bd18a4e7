"""What a reply is about: whether it names the object that a call asked for, or another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from customerio_tool.subtools.declare.vendor_json import Item

About: TypeAlias = Callable[[Any, Item], bool]
"""Returns for a call's arguments and a reply whether the reply may be about what was asked for."""


def _unnamed(_args: Any, _reply: Item) -> bool:
    return True


UNNAMED: About = _unnamed
"""No reply names its object, so that there is nothing to compare."""


def named(*paths: str, argument: str) -> About:
    """Return the check of a reply that holds the number of its object.

    Args:
        paths: Where the number stands, such as `segment.id`; a reply may lack it.
        argument: The argument that it must equal.
    """

    def is_about(args: Any, reply: Item) -> bool:
        found = values_at(reply, paths)
        return not found or any(is_same(value, getattr(args, argument)) for value in found)

    return is_about


def values_at(reply: Any, paths: Sequence[str]) -> list[Any]:
    """Return the values at these paths of a reply, null or not; lists on the way are entered."""
    return [value for path in paths for value in _at(reply, path.split("."))]


def _at(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    if not steps:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _at(item, steps)
    elif isinstance(value, dict) and steps[0] in value:
        yield from _at(value[steps[0]], steps[1:])


def is_same(value: Any, wanted: object) -> bool:
    """Return whether a value of a reply names the wanted object: `7` and `"7"` are one number."""
    is_name = isinstance(value, (int, float, str)) and not isinstance(value, bool)
    return is_name and (value == wanted or str(value) == str(wanted))
