"""Named sets of subtools, for an agent that needs some: fewer definitions cost a model less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from types import MappingProxyType

from customerio_tool import definitions as published
from customerio_tool.subtools import find, subtools

_LISTED: Mapping[str, Sequence[str]] = {
    "messaging": (
        *("trigger_broadcast", "send_transactional_email", "send_transactional_push"),
        *("list_messages", "list_campaigns", "get_campaign", "get_campaign_metrics"),
        "get_customer_attributes",
    ),
    "people": (
        *("identify_customer", "delete_customer", "suppress_customer", "unsuppress_customer"),
        *("track_event", "track_anonymous_event", "track_page_view", "add_device"),
        *("delete_device", "merge_customers", "get_customer_attributes"),
    ),
    "segments": (
        *("list_segments", "get_segment", "create_manual_segment", "delete_segment"),
        *("add_to_segment", "remove_from_segment", "get_customer_attributes"),
    ),
}

PURPOSES: Mapping[str, str] = {
    "reader": "Everything that reads, and nothing that changes or sends.",
    "messaging": "Sends and broadcasts, and what shows how they and campaigns did.",
    "people": "People, their events and devices.",
    "segments": "Segments, and who is in the manual ones.",
}
"""What each set is for, as a sentence; its name may stand wherever names of subtools do."""


@cache
def sets() -> Mapping[str, frozenset[str]]:
    """Return the names of the subtools of each set.

    Raises:
        TypeError: A set has the name of a subtool, or names one that is not declared.
    """
    reader = [name for name, each in subtools().items() if each.effect.read_only]
    members = {"reader": reader, **_LISTED}
    named = {name for each in members.values() for name in each}
    if wrong := (members.keys() & subtools().keys()) | (named - subtools().keys()):
        raise TypeError(f"a set and the subtools disagree about {', '.join(sorted(wrong))}")
    return MappingProxyType({name: frozenset(members[name]) for name in PURPOSES})


def named(names: Iterable[str], *, has_lookups: bool = True) -> frozenset[str]:
    """Return the subtools that names of subtools and of sets stand for.

    No set has a look-up; each is named by itself.

    Args:
        names: The names.
        has_lookups: Whether the look-ups are on; where they are off, none is found.

    Raises:
        SubtoolUnknown: There is no subtool and no set of a name.
    """
    return frozenset(chain.from_iterable(_members_of(name, has_lookups) for name in names))


def _members_of(name: str, has_lookups: bool) -> Iterable[str]:
    if name in published.names(lookups=has_lookups):
        return [name]
    found = sets().get(name) if isinstance(name, str) else None  # a host may give any value
    return found or [find(name, has_lookups=has_lookups).name]
