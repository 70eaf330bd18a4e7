"""What was read of a call's target before the call, and how its results tell of it."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from customerio_tool.records import record
from customerio_tool.subtools.declare.vendor_json import Item


@record(frozen=True)
class Seen:
    """What a look showed of the target of a call; `repr` does not show the target.

    Args:
        existed: Whether there was a target; None if that could not be read.
        sentence: The sentence for the summary.
        members: The members of every result of the call.
        identity: Equal for two looks at the same target; None if it is not known.
    """

    existed: bool | None
    sentence: str
    members: Item = field(default_factory=dict, repr=False)
    identity: Any = field(default=None, repr=False)

    def is_another_than(self, before: Seen | None) -> bool:
        """Whether this look shows a target that an earlier look did not show."""
        if before is None or before.existed is None or not self.existed:
            return False
        return not before.existed or self.identity != before.identity

    def told_in(self, result: Item, *, erases: bool) -> Item:
        """Return a success envelope that tells of the target.

        A read afterwards proves no erasure of what was not seen before, so it is not offered then.
        """
        first, then = result["summary"], self.sentence
        if not self.existed:
            first, then = then, first
        told = {**result, "summary": f"{first} {then}", **self.members}
        if erases and not self.existed:
            told.pop("verify", None)
        return told


def said_of(seen: Seen | None) -> str:
    """Return the sentence on what was read of a target, after a space; "" if nothing was."""
    return f" {seen.sentence}" if seen else ""


def members_of(seen: Seen | None) -> Item:
    """Return the members of a result that tell what was read of a target."""
    return dict(seen.members) if seen else {}
