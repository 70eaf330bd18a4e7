"""What a call may erase or merge, and the read that shows it before the call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from customerio_tool.errors import Look
from customerio_tool.records import record
from customerio_tool.subtools.declare.results import JsonSchema
from customerio_tool.subtools.declare.vendor_json import Item

T = TypeVar("T")

TARGET_MEMBERS: dict[str, JsonSchema] = {
    "existed": {
        "type": "boolean",
        "description": "Whether the target was known before; absent if that could not be read.",
    },
    "target": {"type": "object", "description": "The target as it was before."},
}
"""The schemas of the members that tell of a target."""


def _always(*_: Any) -> bool:
    return True


@record(frozen=True, kw_only=True)
class Target(Generic[T]):
    """How to see, before a call, what it may erase or merge.

    Args:
        looks: Returns the calls of read subtools that show it: one for a call that erases; none if
            this call cannot erase anything.
        shown: Returns what results tell of the target, from such a call and its result; None if
            the result is about something else.
        found: Returns a sentence on the target that was found, from what `shown` returned.
        nothing: The sentence for a read that found nothing.
        unread: The sentence for a read that failed.
        identity: The member of what is shown that stays the same while the target is the same.
        is_at_risk: Returns whether the call may erase what a look showed, with nothing hidden.
        is_certain: Returns whether a look finds the target of a call if there is one.
        name_argument: An optional argument with the name of the target, which must be its `name`.
        by_name: Returns the call that finds targets by that argument; needed with it.

    Raises:
        TypeError: Only one of `name_argument` and `by_name` is given.
    """

    looks: Callable[[T], Sequence[Look]]
    shown: Callable[[Look, Item], Item | None]
    found: Callable[[Item], str]
    nothing: str
    unread: str
    identity: str
    is_at_risk: Callable[[T, Item], bool] = _always
    is_certain: Callable[[T], bool] = _always
    name_argument: str | None = None
    by_name: Callable[[T], Look] | None = None

    def __post_init__(self) -> None:
        """Refuse a name that nothing finds."""
        if (self.name_argument is None) != (self.by_name is None):
            raise TypeError("`name_argument` and `by_name` belong together.")
