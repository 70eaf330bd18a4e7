"""Leaves out of a message what is no news for a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customerio_tool.subtools.declare import Item

_OMITTED_MEMBERS = {"deduplicate_id"}
"""Members without news for a model. The deprecated template ids stay: they may be the only members
that identify a transactional template, which is UNVERIFIED."""


def brief_message(value: Any) -> Any:
    """Return a message without nulls, `_OMITTED_MEMBERS` and the copy of its template's id.

    That it is not forgotten goes without saying.
    """
    if not isinstance(value, dict):
        return value
    members: Item = {
        name: brief_message(member) if isinstance(member, dict) else member
        for name, member in value.items()
        if member is not None and name not in _OMITTED_MEMBERS
    }
    if "message_template_id" in members:
        members.pop("msg_template_id", None)
    if members.get("forgotten") is False:
        del members["forgotten"]
    return members


FROM_FIRST_TO_LAST = (
    *("created", "drafted", "attempted", "sent", "delivered", "opened", "clicked", "converted"),
    *("unsubscribed", "spammed", "dropped", "bounced", "undeliverable", "failed"),
)
"""The metrics of a message, of which a later one says more; those that end it badly come last."""


def furthest(metrics: Mapping[str, Any]) -> str | None:
    """Return the metric that says most of how far a message came; None if there is none.

    A metric that we do not know counts only where there is no other.
    """
    return max(metrics, key=lambda name: _ORDER.get(name, -1), default=None)


_ORDER = {name: number for number, name in enumerate(FROM_FIRST_TO_LAST)}
