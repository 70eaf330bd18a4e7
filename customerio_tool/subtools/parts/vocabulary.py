"""The choices of some arguments, and the names and words by which models give them.

Each is declared on its argument, where it decides before likeness of spelling.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from customerio_tool.subtools.declare.marks import AlsoCalled, Words

Channel: TypeAlias = Literal[
    "email", "push", "twilio", "webhook", "whatsapp", "slack", "in_app", "live_notification"
]
"""Kinds of message; twilio is SMS."""

Metric: TypeAlias = Literal[
    "attempted",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "converted",
    "bounced",
    "spammed",
    "unsubscribed",
    "dropped",
    "failed",
    "undeliverable",
]

METRIC_WORDS = Words(
    {
        **dict.fromkeys(("open", "opens"), "opened"),
        **dict.fromkeys(("click", "clicks"), "clicked"),
        **dict.fromkeys(("bounce", "bounces"), "bounced"),
        **dict.fromkeys(("conversion", "conversions"), "converted"),
        **dict.fromkeys(("spam", "spam_complaint", "complained"), "spammed"),
        **dict.fromkeys(("unsubscribe", "unsubscribes"), "unsubscribed"),
        **dict.fromkeys(("failure", "failures", "fail"), "failed"),
        **dict.fromkeys(("delivery", "deliveries"), "delivered"),
        **dict.fromkeys(("attempt", "attempts"), "attempted"),
    }
)

CHANNEL_WORDS = Words(
    {
        **dict.fromkeys(("sms", "text", "text_message", "texts"), "twilio"),
        **dict.fromkeys(("e_mail", "mail", "emails", "transactional_email"), "email"),
        **dict.fromkeys(("push_notification", "push_notifications", "pushes"), "push"),
        **dict.fromkeys(("inapp", "in_app_message"), "in_app"),
        "webhooks": "webhook",
    }
)
CHANNEL_NAMES = AlsoCalled("channel", "message_type", "kind")
START_NAMES = AlsoCalled("start", "start_date", "from", "from_date", "since", "start_at", "after")
END_NAMES = AlsoCalled("end", "end_date", "to", "to_date", "until", "end_at", "before")

PERIOD_WORDS = Words(
    {
        **dict.fromkeys(("hour", "hourly", "1h", "h"), "hours"),
        **dict.fromkeys(("day", "daily", "1d", "d"), "days"),
        **dict.fromkeys(("week", "weekly", "1w", "w"), "weeks"),
        **dict.fromkeys(("month", "monthly"), "months"),
    }
)

LIMIT_NAMES = AlsoCalled("count", "max", "per_page", "page_size", "max_results", "top")

EVENT_NAMES = AlsoCalled("event", "event_name", "event_type", "action")
"""Names by which models give the name of an event."""

VIEW_WORDS = Words(
    {
        **dict.fromkeys(("page_view", "pageview", "page_viewed"), "page"),
        **dict.fromkeys(("screen_view", "screenview", "screen_viewed"), "screen"),
        **dict.fromkeys(("track", "custom"), "event"),
    }
)
"""Words for the types of events."""

TEMPLATE_NAMES = AlsoCalled(
    *("template_id", "template", "template_name", "message_id", "transactional_id"),
    *("transactional_message", "message_name"),
)

TOKEN_NAMES = AlsoCalled("token", "device_token", "push_token", "registration_token", "device")
PLATFORM_WORDS = {
    **dict.fromkeys(("iphone", "ipad", "ipados", "ipod", "apple", "apns"), "ios"),
    **dict.fromkeys(("fcm", "android_phone", "google"), "android"),
}

DATA_NAMES = AlsoCalled(
    *("properties", "event_data", "attributes", "event_properties", "event_attributes"),
    *("payload", "traits"),
)
WHEN_NAMES = AlsoCalled("time", "date", "occurred_at", "created_at", "event_time", "happened_at")
VISITOR_NAMES = AlsoCalled("visitor_id", "session_id", "cookie_id", "guest_id")
PAGE_NAMES = AlsoCalled("page", "page_url", "path", "link", "href")
TO_NAMES = AlsoCalled("email", "recipient", "to_address", "to_email", "email_address")
BODY_NAMES = AlsoCalled("html", "html_body", "content", "message", "body_html")
PLAIN_NAMES = AlsoCalled("text", "plain_text", "text_body", "plaintext_body")
SENDER_NAMES = AlsoCalled("from", "sender", "from_email")
SOUND_WORDS = Words({"off": "none", "silent": "none", "mute": "none"})
SEGMENT_WORDS = Words({"data_driven": "dynamic", "static": "manual"})
