"""The demo workspace: the same people, campaigns, templates and history in every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..rules import broadcasts, campaigns, deliveries, events, people, segments, templates
from ..rules.campaigns import Journey, NewCampaign
from ..rules.deliveries import Origin
from ..rules.devices import save as save_device
from ..rules.identify import identify
from ..rules.segments import NewSegment
from ..rules.templates import NewTemplate
from ..store.workspace import Workspace

DAY = 86400
_PEOPLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("u1", {"email": "ada+test@example.com", "first_name": "Ada", "plan": "pro", "seats": 5}),
    ("team/42", {"email": "team42@example.com", "first_name": "Grace", "plan": "team"}),
    ("u3", {"email": "zoë@example.com", "first_name": "Zoë Müller-Łukasz", "city": "Köln"}),
    ("用户7", {"email": "yu@example.com", "first_name": "雨", "plan": "free"}),
    ("u5", {"email": "linus@example.com", "first_name": "Linus", "unsubscribed": True}),
    ("u6", {"first_name": "Margaret", "plan": "pro"}),
    ("ivy@example.com", {"first_name": "Ivy", "plan": "free"}),
)
BETA, PRO, CUSTOMERS = 1, 2, 3  # segments
WELCOME, ONBOARDING, RENEWAL, SURVEY, PARTNER, HOOK = 12, 13, 14, 15, 16, 17  # campaigns
NEWS, DRAFT_NEWS = 30, 31  # broadcasts


def _mail(number: int, subject: str) -> dict[str, Any]:
    return {"type": "email", "id": number, "subject": subject, "body": f"<p>{subject}</p>"}


_REMINDER = _mail(54, "Your plan renews soon")
_CAMPAIGNS = (
    NewCampaign(
        WELCOME,
        "Welcome",
        "event",
        [_mail(51, "Welcome")],
        event_name="signed_up",
        members={"filter_segment_ids": []},
    ),
    NewCampaign(
        ONBOARDING,
        "Onboarding for pro",
        "segment",
        [
            _mail(52, "Getting started"),
            {"type": "push", "id": 53, "subject": "A tip", "body": "Did you know?"},
        ],
        members={"trigger_segment_ids": [PRO], "filter_segment_ids": []},
    ),
    NewCampaign(
        RENEWAL,
        "Renewal reminder",
        "date",
        [_REMINDER],
        members={
            "frequency": "yearly",
            "date_attribute": "renews_at",
            "timezone": "America/New_York",
            "use_customer_timezone": False,
            "start_hour": 9,
            "start_minutes": 0,
            "filter_segment_ids": [CUSTOMERS],
        },
    ),
    NewCampaign(
        SURVEY,
        "Survey thanks",
        "form",
        [_mail(55, "Thank you")],
        state="stopped",
        members={"filter_segment_ids": []},
    ),
    NewCampaign(
        PARTNER,
        "New colleague",
        "relationship",
        [_mail(57, "Your team grows")],
        state="draft",
        members={
            "object_type_id": 1,
            "audience": {"type": 0, "person_filters": {}, "relationship_filters": {}},
            "filter_segment_ids": [],
        },
    ),
    NewCampaign(
        HOOK,
        "Order hook",
        "webhook",
        [{"type": "webhook", "id": 56, "subject": None, "body": "{}"}],
        members={"webhook_id": 9},
    ),
)
_BROADCASTS = (
    NewCampaign(
        NEWS,
        "Product news",
        "triggered_broadcast",
        [_mail(61, "News for {{trigger.month | default: 'this month'}}")],
        members={"default_recipients": {"segment": {"id": CUSTOMERS}}},
    ),
    NewCampaign(
        DRAFT_NEWS,
        "Sale",
        "triggered_broadcast",
        [_mail(62, "Spring sale")],
        state="draft",
        members={"default_recipients": {"segment": {"id": CUSTOMERS}}},
    ),
)


def fill(ws: Workspace) -> None:
    """Fill an empty workspace with the demo. Its history ends at ``ws.time``."""
    _people(_ago(ws, 60))
    _segments(_ago(ws, 55))
    _templates(_ago(ws, 50))
    _campaigns(_ago(ws, 50))
    _history(ws)
    ws.store.execute("DELETE FROM activity")


def _ago(ws: Workspace, days: float) -> Workspace:
    return replace(ws, time=ws.time - days * DAY)


def _people(ws: Workspace) -> None:
    for identifier, attributes in _PEOPLE:
        created = {"created_at": ws.now, **attributes}
        identify(ws, people.by_shape(ws, identifier), created)
    tokens = {"u1": ("apns:ada-phone", "ios"), "team/42": ("fcm:grace:phone", "android")}
    for identifier, (token, platform) in tokens.items():
        person = people.find(ws, people.by_shape(ws, identifier))
        if person is not None:
            attributes = {"push_enabled": "true", "device_os": "17.4"}
            device = {"token": token, "platform": platform, "last_used": ws.now}
            save_device(ws, person["pk"], {**device, "attributes": attributes})


def _segments(ws: Workspace) -> None:
    segments.create(ws, NewSegment("Beta testers", "People who try things first"))
    pro = {"attribute": {"field": "plan", "operator": "eq", "value": "pro"}}
    segments.create(ws, NewSegment("Pro plan", "Everybody on the pro plan", pro))
    planned = {"attribute": {"field": "plan", "operator": "exists"}}
    segments.create(ws, NewSegment("Customers", "Everybody with a plan", planned))
    segments.add_members(ws, BETA, ["u1", "team/42"], "id")


def _templates(ws: Workspace) -> None:
    sender = {"from": "Demo <hello@example.com>"}
    receipt = {
        **sender,
        "subject": "Your receipt",
        "body": "<p>Thank you, {{customer.first_name | default: 'friend'}}</p>",
    }
    templates.add(ws, NewTemplate("receipt", "email", receipt))
    reset_mail = {**sender, "subject": "Reset your password", "body": "<p>{{trigger.link}}</p>"}
    templates.add(ws, NewTemplate("password_reset", "email", reset_mail))
    shipped = {
        "title": "On its way",
        "message": "Order {{trigger.order | default: ''}} has left us",
    }
    templates.add(ws, NewTemplate("order_shipped", "push", shipped))


def _campaigns(ws: Workspace) -> None:
    for each in (*_CAMPAIGNS, *_BROADCASTS):
        changed = ws.now + DAY
        members = {
            **each.members,
            "description": f"{each.name} (demo)",
            "tags": ["demo"],
            "updated": changed,
            "first_started": 0 if each.state == "draft" else changed,
        }
        campaigns.add(ws, replace(each, members=members))


def _history(ws: Workspace) -> None:
    """Five weeks of sends: some are opened, fewer clicked, a few bounce."""
    for days in range(28, 0, -2):
        then = _ago(ws, days)
        with _responses(ws):
            for text in ("u1", "u3", "用户7")[: 1 + days % 3]:
                _track(then, text, "signed_up")
    for days in (35, 14, 3):
        with _responses(ws):
            person = people.find(ws, people.by_shape(ws, "team/42"))
            journey = Journey(person, Origin(campaign=RENEWAL))
            campaigns.send_action(_ago(ws, days), _REMINDER, journey)
    with _responses(ws):
        broadcasts.trigger(_ago(ws, 10), NEWS, {"data": {"month": "last month"}})
    _track(_ago(ws, 1), "u6", "order_paid")


def _track(ws: Workspace, identifier: str, name: str) -> None:
    person = people.find(ws, people.by_shape(ws, identifier))
    events.add(ws, events.read(ws, {"name": name, "data": {"source": "demo"}}), person)


@contextmanager
def _responses(ws: Workspace) -> Iterator[None]:
    """Add opens, clicks and bounces to the deliveries of the block, chosen by their numbers."""
    before = ws.store.scalar("SELECT coalesce(max(pk), 0) FROM deliveries")
    yield
    for row in ws.store.all("SELECT * FROM deliveries WHERE pk>?", (before,)):
        if row["failure_message"]:
            continue
        if row["pk"] % 9 == 0:
            ws.store.execute(
                "DELETE FROM metrics WHERE delivery=? AND name='delivered'", (row["pk"],)
            )
            deliveries.record(ws, row["pk"], "bounced", row["created"] + 60)
            continue
        if row["pk"] % 2:
            deliveries.record(ws, row["pk"], "opened", row["created"] + 1800)
        if row["pk"] % 4 == 1:
            deliveries.record(ws, row["pk"], "clicked", row["created"] + 1860)
