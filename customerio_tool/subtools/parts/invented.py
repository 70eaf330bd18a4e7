"""Names of subtools that models invent, each with the subtool that does what they mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import get_args

from customerio_tool.errors import NextStep
from customerio_tool.subtools.declare.wording import meant, words_of

_MEANT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("create_customer", "add_customer", "update_customer", "upsert_customer"),
            *("create_user", "update_user", "add_user", "create_person", "update_person"),
            *("identify_user", "identify_person", "identify", "set_attributes"),
            *("update_customer_attributes", "update_attributes", "set_customer_attributes"),
        ),
        "identify_customer",
    ),
    **dict.fromkeys(
        ("unsubscribe_customer", "unsubscribe", "unsubscribe_user", "opt_out_customer", "opt_out"),
        "identify_customer with unsubscribed=true",
    ),
    **dict.fromkeys(
        ("subscribe_customer", "resubscribe_customer", "subscribe", "opt_in_customer", "opt_in"),
        "identify_customer with unsubscribed=false",
    ),
    **dict.fromkeys(
        (
            *("get_customer", "get_user", "get_person", "find_customer", "search_customer"),
            *("search_customers", "lookup_customer", "get_profile", "get_attributes"),
            *("find_person", "read_customer"),
        ),
        "get_customer_attributes",
    ),
    **dict.fromkeys(
        ("get_messages", "get_message", "get_deliveries", "list_deliveries", "message_history"),
        "list_messages",
    ),
    **dict.fromkeys(
        ("get_campaigns", "find_campaign", "search_campaigns", "find_campaigns", "campaigns"),
        "list_campaigns",
    ),
    **dict.fromkeys(
        ("get_segments", "find_segment", "search_segments", "find_segments", "segments"),
        "list_segments",
    ),
    **dict.fromkeys(
        ("get_metrics", "campaign_metrics", "get_campaign_stats", "get_campaign_statistics"),
        "get_campaign_metrics",
    ),
    **dict.fromkeys(
        ("count_segment", "get_segment_count", "get_customer_count"),
        "get_segment with include_count=true",
    ),
    **dict.fromkeys(("create_segment", "add_segment", "new_segment"), "create_manual_segment"),
    **dict.fromkeys(
        ("add_customer_to_segment", "add_customers_to_segment", "add_people_to_segment"),
        "add_to_segment",
    ),
    **dict.fromkeys(
        ("remove_customer_from_segment", "remove_customers_from_segment"), "remove_from_segment"
    ),
    **dict.fromkeys(
        ("send_email", "send_mail", "send_transactional", "send_message", "email"),
        "send_transactional_email",
    ),
    **dict.fromkeys(("send_push", "send_push_notification", "push"), "send_transactional_push"),
    **dict.fromkeys(("send_broadcast", "start_broadcast", "broadcast"), "trigger_broadcast"),
    **dict.fromkeys(
        ("log_event", "record_event", "send_event", "create_event", "track"), "track_event"
    ),
    **dict.fromkeys(("track_page", "page_view", "page", "log_page_view"), "track_page_view"),
    **dict.fromkeys(("register_device", "update_device", "create_device"), "add_device"),
    **dict.fromkeys(("remove_device", "unregister_device"), "delete_device"),
    **dict.fromkeys(("merge_people", "merge_users", "merge_persons", "merge"), "merge_customers"),
    **dict.fromkeys(("delete_user", "delete_person", "erase_customer"), "delete_customer"),
}

_LOOKED_UP: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("find_customer", "search_customer", "search_customers", "lookup_customer"),
            *("find_person", "find_people", "search_people", "list_customers", "find_user"),
        ),
        "find_customers",
    ),
    **dict.fromkeys(
        (
            *("get_activities", "list_activities", "get_customer_activities", "get_timeline"),
            *("get_events", "list_events", "get_customer_events", "customer_activity"),
        ),
        "list_customer_activities",
    ),
    **dict.fromkeys(("get_customer_segments", "customer_segments"), "list_customer_segments"),
    **dict.fromkeys(
        ("get_segment_members", "segment_members", "list_members", "get_segment_membership"),
        "list_segment_members",
    ),
    **dict.fromkeys(
        (
            *("list_templates", "get_templates", "find_template", "search_templates"),
            *("get_transactional_messages", "list_transactional_templates"),
        ),
        "list_transactional_messages",
    ),
    **dict.fromkeys(
        ("get_template", "get_transactional_template", "read_template"),
        "get_transactional_message",
    ),
    **dict.fromkeys(("get_broadcasts", "find_broadcast", "get_broadcast"), "list_broadcasts"),
    **dict.fromkeys(
        ("get_trigger", "get_broadcast_status", "get_broadcast_errors", "list_triggers"),
        "get_broadcast_trigger",
    ),
    **dict.fromkeys(("get_delivery", "read_message", "get_email"), "get_message"),
}
"""The same for look-ups, where they are on."""

_THINGS = ("campaign", "segment", "device", "broadcast", "message", "event")


def meant_subtool(name: str, known: Collection[str]) -> str:
    """Return the end of a sentence for a name that is no subtool's; "" if nothing is certain.

    Args:
        name: The name that a model gave.
        known: The names of all subtools.
    """
    words = words_of(name)
    spelt = "_".join(words)
    same = [each for each in known if _plain(each) == _plain(spelt)]
    looked_up = _LOOKED_UP.get(spelt)
    if looked_up not in known:
        looked_up = None
    if instead := looked_up or _MEANT.get(spelt) or next(iter(same), None):
        subtool, _, arguments = instead.partition(" ")
        return f"did you mean {subtool!r}{f' {arguments}' if arguments else ''}?"
    if spelt in _NEXT_STEPS:
        return "it is a next step: make the calls that the error with it names."
    if likely := meant(name, known):
        return f"did you mean {likely!r}?"
    for thing in _THINGS:
        if len(words) > 1 and words[-1] in (thing, f"{thing}s"):
            of_it = ", ".join(each for each in known if thing in each)
            return f"nothing here does that. What there is: {of_it}."
    return ""


_NEXT_STEPS = get_args(NextStep)


def _plain(name: str) -> str:
    return name.replace("_", "").rstrip("s")
