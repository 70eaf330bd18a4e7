"""Where the messages of a list come from, and what to say of those that nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from customerio_tool.subtools.declare import Args, Item, is_same, objects_in, values_at
from customerio_tool.subtools.parts.lookup import LookupType, kind_of_person, names_another

ORIGINS = ("campaign_id", "broadcast_id", "newsletter_id")
"""The members that name where a message comes from."""

_ACTIONS = ("action_id", "parent_action_id")
_NAMED_BY: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "campaign_id": (ORIGINS, ("campaign_id", "broadcast_id")),
    "newsletter_id": (ORIGINS, ("newsletter_id",)),
    "action_id": (_ACTIONS, _ACTIONS),
}
"""For an argument the members that name where a message comes from, and those that may equal it.
A broadcast's messages are listed by its number as campaign_id."""


def asks_for_origin(args: Args) -> bool:
    """Return whether a campaign, newsletter or action was asked for."""
    return any(getattr(args, argument) is not None for argument in _NAMED_BY)


def is_of_another(args: Args, message: Item) -> bool:
    """Return whether a message names another campaign, newsletter or action than was asked for."""
    return any(
        any(message.get(member) is not None for member in naming)
        and not any(is_same(message.get(member), wanted) for member in equal)
        for argument, (naming, equal) in _NAMED_BY.items()
        if (wanted := getattr(args, argument)) is not None
    )


def is_about(args: Args, reply: Item) -> bool:
    """Return whether a list holds any message that may come from where it was asked for."""
    messages = objects_in(reply.get("messages"))
    return not messages or not all(is_of_another(args, message) for message in messages)


def origins_note(
    customer_id: str | None, id_type: LookupType | None, messages: Sequence[Item], left_out: int
) -> str:
    """Return what to say of messages that name something else than was asked for.

    Those of another person stay in the list: a message may have the identifiers of before a change
    or a merge.

    Args:
        customer_id: The person who was looked up, if one was.
        id_type: The type of that identifier.
        messages: The messages of the list.
        left_out: How many were left out because of another origin.
    """
    if left_out:
        return (
            f"{left_out} on this page were left out, as they name another origin than was asked "
            "for: an absence from this list proves nothing."
        )
    if customer_id is None:
        return ""
    count = sum(is_of_stranger(customer_id, id_type, message) for message in messages)
    if not count:
        return ""
    return (
        f"{count} of them name another person than was asked for: from before a merge or a change "
        "of identifiers, or Customer.io answered about somebody else."
    )


def is_of_stranger(customer_id: str, id_type: LookupType | None, message: Item) -> bool:
    """Return whether a message names another person than the one who was looked up."""
    kind = kind_of_person(customer_id, id_type)
    places = [f"customer_identifiers.{kind}", *(["customer_id"] if kind == "id" else [])]
    found = [value for value in values_at(message, places) if value not in (None, "")]
    return names_another(customer_id, id_type, found)
