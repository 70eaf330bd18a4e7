"""The checks of the demo: each compares the server with the effect that one step promises.

A result of the tool proves nothing. A check of a read compares it with the server's own reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from customerio_tool.doors.cli.demo.server import Mismatch, Server, State, same
from customerio_tool.subtools.declare import with_iso_times


@dataclass(frozen=True)
class Evidence:
    """One finished step: the workspace before and after, the requests and the tool's result."""

    server: Server
    before: State
    after: State
    requests: list[dict[str, Any]]
    result: Mapping[str, Any]

    def new(self, kind: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that the step added."""
        known = {each["id"] for each in self.before[kind]}
        return [each for each in self.after[kind] if each["id"] not in known]

    def returned(self, member: str) -> Any:
        """Return a member of the tool's result.

        Raises:
            Mismatch: The result lacks it.
        """
        if member not in self.result:
            raise Mismatch(f"the result has no {member!r}")
        return self.result[member]


MARA, MAIL, COOKIE = "mara", "mara+shop@example.com", "web-7f3"
GRACE, IVY, LINUS, MARGARET = "team/42", "ivy@example.com", "u5", "u6"
PHONE = "fcm:mara/phone"
PAGE = "https://kiln.example/sale?utm=spring"
SEGMENT = "Mug fans"


def visitor_waits(step: Evidence) -> None:
    """The server keeps one anonymous event for the visitor."""
    waiting = step.after.find("anonymous_events", anonymous_id=COOKIE)
    same("events of the visitor", [each["name"] for each in waiting], ["product_viewed"])
    same("their data", waiting[0]["data"], {"product": "blue mug"})


def mara_is_known(step: Evidence) -> None:
    """The profile exists, and the visitor's event moved to its timeline."""
    same("Mara before", step.before.find("people", id=MARA), [])
    mara = step.after.one("people", id=MARA)
    same("her email", mara["email"], MAIL)
    same("her name", mara["attributes"].get("first_name"), "Mara")
    same("her created_at", mara["attributes"].get("created_at"), 1795424400)
    same("her events", [each["name"] for each in mara["events"]], ["product_viewed"])
    same("events that wait", step.after.find("anonymous_events", anonymous_id=COOKIE), [])


def plan_is_gone(step: Evidence) -> None:
    """The attribute sent as null is deleted; all others are unchanged."""
    before = step.before.one("people", id=GRACE)["attributes"]
    same("Grace's plan before", before.get("plan"), "team")
    kept = {name: value for name, value in before.items() if name != "plan"}
    same("Grace's attributes", step.after.one("people", id=GRACE)["attributes"], kept)


def attributes_agree(step: Evidence) -> None:
    """The tool returns the attributes that the App API returns."""
    answer = step.server.app(f"/v1/customers/{MARA}/attributes")["customer"]
    theirs = with_iso_times(answer, ["attributes.created_at", "devices.last_used"])
    ours = step.returned("customer")
    for member in ("identifiers", "attributes", "unsubscribed", "devices"):
        same(member, ours.get(member), theirs[member])


def page_is_seen(step: Evidence) -> None:
    """The timeline holds one page view, named by its URL."""
    events = step.after.one("people", id=MARA)["events"]
    same("page views", [each["name"] for each in events if each["type"] == "page"], [PAGE])


def order_is_recorded(step: Evidence) -> None:
    """The timeline holds the order event once, with its data."""
    orders = _orders(step.after)
    same("order events", [each["data"] for each in orders], [{"order": "1001", "total": 48.5}])


def order_is_recorded_once(step: Evidence) -> None:
    """The second request arrived with the first one's event id, and added no event."""
    order_is_recorded(step)
    same("requests that arrived", [each["operation"] for each in step.requests], ["track"])
    same("the event's id", step.requests[0]["json"].get("id"), _orders(step.before)[0]["id"])


def _orders(state: State) -> list[dict[str, Any]]:
    events = state.one("people", id=MARA)["events"]
    return [each for each in events if each["name"] == "order_paid"]


def phone_is_kept(step: Evidence) -> None:
    """The device belongs to the person."""
    devices = step.after.one("people", id=MARA)["devices"]
    same("devices", [(each["id"], each["platform"]) for each in devices], [(PHONE, "android")])


def phone_is_gone(step: Evidence) -> None:
    """The step removed the device."""
    devices = step.before.one("people", id=MARA)["devices"]
    same("devices before", [each["id"] for each in devices], [PHONE])
    same("devices", step.after.one("people", id=MARA)["devices"], [])


def push_is_sent(step: Evidence) -> None:
    """The step made one delivery: a push to the phone, with the template's text and the data."""
    sent = _only_delivery(step)
    same("its kind", sent["type"], "push")
    same("its recipient", (sent["customer_id"], sent["recipient"]), (MARA, PHONE))
    same("its subject", sent["subject"], "On its way")
    same("its data", sent["content"].get("message_data"), {"order": "1001"})


def mail_is_sent(step: Evidence) -> None:
    """The step made one delivery: the receipt, to the address."""
    sent = _only_delivery(step)
    same("its kind", sent["type"], "email")
    same("its recipient", (sent["customer_id"], sent["recipient"]), (MARA, MAIL))
    same("its subject", sent["subject"], "Your receipt")


def _only_delivery(step: Evidence) -> dict[str, Any]:
    made = step.new("deliveries")
    same("new deliveries", len(made), 1)
    return made[0]


def messages_agree(step: Evidence) -> None:
    """The tool lists the deliveries that the App API lists, in the same order."""
    members = ("id", "recipient", "subject", "created")
    theirs = step.server.app("/v1/messages?type=email&limit=5")["messages"]
    ours = step.returned("messages")
    dated = with_iso_times(theirs, ["created"])
    expected = [[each[member] for member in members] for each in dated]
    same("messages", [[each.get(member) for member in members] for each in ours], expected)
    same("the newest subject", ours[0]["subject"], "Your receipt")


def manual_segments_agree(step: Evidence) -> None:
    """The tool lists the manual segments that the App API lists."""
    theirs = step.server.app("/v1/segments")["segments"]
    manual = [(each["id"], each["name"]) for each in theirs if each["type"] == "manual"]
    same("segments", [(each["id"], each["name"]) for each in step.returned("segments")], manual)


def segment_is_made(step: Evidence) -> None:
    """The step made one segment, manual and empty."""
    made = step.new("segments")
    shown = [(each["name"], each["type"], each["members"]) for each in made]
    same("new segments", shown, [(SEGMENT, "manual", [])])
    same("its id in the result", step.returned("segment_id"), made[0]["id"])


def mara_and_ada_are_in(step: Evidence) -> None:
    """Mara and Ada are the only members."""
    same("members", _members(step), ["mara", "u1"])


def only_mara_is_in(step: Evidence) -> None:
    """Mara is the only member."""
    same("members", _members(step), ["mara"])


def _segment_id(state: State) -> int:
    return int(state.one("segments", name=SEGMENT)["id"])


def _members(step: Evidence) -> list[str]:
    return sorted(step.server.app(f"/v1/segments/{_segment_id(step.after)}/membership")["ids"])


def segment_agrees(step: Evidence) -> None:
    """The tool returns the segment and the count that the App API returns."""
    number = _segment_id(step.after)
    same(
        "the segment",
        step.returned("segment"),
        with_iso_times(
            step.server.app(f"/v1/segments/{number}")["segment"], ["created_at", "updated_at"]
        ),
    )
    count = step.server.app(f"/v1/segments/{number}/customer_count")["count"]
    same("the count", (step.returned("customer_count"), count), (1, 1))


def news_went_to_mara(step: Evidence) -> None:
    """The step made one trigger of the broadcast, which mailed only the segment's member."""
    earlier = [each["id"] for each in step.before.find("triggers", broadcast_id=30)]
    ours = [each for each in step.after["triggers"] if each not in step.before["triggers"]]
    made = [(each["broadcast_id"], each["id"], each["audience"], each["failed"]) for each in ours]
    same("new triggers", made, [(30, max(earlier, default=0) + 1, "recipients", False)])
    sent = [(each["broadcast_id"], each["recipient"]) for each in step.new("deliveries")]
    same("its deliveries", sent, [(30, MAIL)])


def campaigns_agree(step: Evidence) -> None:
    """The tool lists the running campaigns that the App API lists."""
    theirs = step.server.app("/v1/campaigns")["campaigns"]
    running = [(each["id"], each["name"]) for each in theirs if each["state"] == "running"]
    same("campaigns", [(each["id"], each["name"]) for each in step.returned("campaigns")], running)


def campaign_agrees(step: Evidence) -> None:
    """The tool returns the campaign that the App API returns."""
    theirs = step.server.app("/v1/campaigns/12")["campaign"]
    dated = with_iso_times(theirs, ["created", "updated", "first_started"])
    same("the campaign", step.returned("campaign"), dated)


def metrics_agree(step: Evidence) -> None:
    """The tool's totals are the sums of the App API's series, without those that are 0."""
    series = step.server.app("/v1/campaigns/12/metrics?version=2&res=days")["metric"]["series"]
    totals = {name: sum(values) for name, values in series.items() if any(values)}
    same("totals", step.returned("totals"), totals)
    same("whether anything was sent", totals.get("sent", 0) > 0, True)


def ivy_is_folded_in(step: Evidence) -> None:
    """The secondary is gone; the primary kept its own attributes and got the missing ones."""
    plan = step.before.one("people", email=IVY)["attributes"]["plan"]
    same(
        "Ivy is unknown",
        step.server.is_unknown(f"/v1/customers/{IVY}/attributes?id_type=email"),
        True,
    )
    mara = step.after.one("people", id=MARA)["attributes"]
    same("Mara's name and plan", (mara.get("first_name"), mara.get("plan")), ("Mara", plan))


def linus_is_silenced(step: Evidence) -> None:
    """The profile is deleted, and a plain identify does not create it again."""
    step.before.one("people", id=LINUS)
    same("Linus", step.after.find("people", id=LINUS), [])
    step.server.identify(LINUS, {"first_name": "Linus"})
    same("Linus after an identify", step.server.state().find("people", id=LINUS), [])


def linus_is_heard(step: Evidence) -> None:
    """The suppression is lifted: a plain identify creates the profile again."""
    same("Linus was suppressed", len(step.before.find("suppressions", value=LINUS)), 1)
    same("suppressions", step.after.find("suppressions", value=LINUS), [])
    step.server.identify(LINUS, {"first_name": "Linus"})
    step.server.state().one("people", id=LINUS)


def margaret_is_gone(step: Evidence) -> None:
    """The person alone is deleted, and is not suppressed."""
    others = [each["cio_id"] for each in step.before["people"] if each["id"] != MARGARET]
    step.before.one("people", id=MARGARET)
    same("people", [each["cio_id"] for each in step.after["people"]], others)
    same("App API knows her", step.server.is_unknown(f"/v1/customers/{MARGARET}/attributes"), True)
    same("suppressions", step.after.find("suppressions", value=MARGARET), [])


def segment_is_gone(step: Evidence) -> None:
    """The App API answers 404 for the segment, and its members still exist."""
    number = _segment_id(step.before)
    same("the segment is unknown", step.server.is_unknown(f"/v1/segments/{number}"), True)
    step.after.one("people", id=MARA)
