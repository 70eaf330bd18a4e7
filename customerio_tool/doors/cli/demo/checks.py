"""What each step of the demo must have done, checked against the server alone.

The tool's own answer is looked at only to compare a read with the server's; it proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from customerio_tool.doors.cli.demo.server import Mismatch, Server, State, same


@dataclass(frozen=True)
class Seen:
    """One finished step: the workspace before and after it, and what the tool returned."""

    server: Server
    before: State
    after: State
    arrived: list[dict[str, Any]]
    result: Mapping[str, Any]

    def new(self, kind: str) -> list[dict[str, Any]]:
        """Return those of a kind that were not there before."""
        known = {each["id"] for each in self.before[kind]}
        return [each for each in self.after[kind] if each["id"] not in known]

    def told(self, member: str) -> Any:
        """Return a member of the tool's result, to be compared with the server's."""
        if member not in self.result:
            raise Mismatch(f"the result has no {member!r}")
        return self.result[member]


MARA, MAIL, COOKIE = "mara", "mara+shop@example.com", "web-7f3"
GRACE, IVY, LINUS, MARGARET = "team/42", "ivy@example.com", "u5", "u6"
PHONE = "fcm:mara/phone"
PAGE = "https://kiln.example/sale?utm=spring"
SEGMENT = "Mug fans"


def visitor_waits(seen: Seen) -> None:
    """The anonymous event is kept for its visitor, once."""
    waiting = seen.after.find("anonymous_events", anonymous_id=COOKIE)
    same("events of the visitor", [each["name"] for each in waiting], ["product_viewed"])
    same("their data", waiting[0]["data"], {"product": "blue mug"})


def mara_is_known(seen: Seen) -> None:
    """The profile is there, and the visitor's event is on its timeline and nowhere else."""
    same("Mara before", seen.before.find("people", id=MARA), [])
    mara = seen.after.one("people", id=MARA)
    same("her email", mara["email"], MAIL)
    same("her name", mara["attributes"].get("first_name"), "Mara")
    same("her created_at", mara["attributes"].get("created_at"), 1795424400)
    same("her events", [each["name"] for each in mara["events"]], ["product_viewed"])
    same("events that wait", seen.after.find("anonymous_events", anonymous_id=COOKIE), [])


def plan_is_gone(seen: Seen) -> None:
    """The attribute given as null is deleted, and every other one is as before."""
    before = seen.before.one("people", id=GRACE)["attributes"]
    same("Grace's plan before", before.get("plan"), "team")
    kept = {name: value for name, value in before.items() if name != "plan"}
    same("Grace's attributes", seen.after.one("people", id=GRACE)["attributes"], kept)


def attributes_agree(seen: Seen) -> None:
    """The tool tells the attributes which the App API has."""
    theirs = seen.server.app(f"/v1/customers/{MARA}/attributes")["customer"]
    ours = seen.told("customer")
    for member in ("identifiers", "attributes", "unsubscribed", "devices"):
        same(member, ours.get(member), theirs[member])


def page_is_seen(seen: Seen) -> None:
    """One page view stands on the timeline, under its URL."""
    events = seen.after.one("people", id=MARA)["events"]
    same("page views", [each["name"] for each in events if each["type"] == "page"], [PAGE])


def order_is_recorded(seen: Seen) -> None:
    """The order stands on the timeline, with its data."""
    orders = _orders(seen.after)
    same("order events", [each["data"] for each in orders], [{"order": "1001", "total": 48.5}])


def order_is_recorded_once(seen: Seen) -> None:
    """The repeat arrived, with the id of the first, and added nothing."""
    order_is_recorded(seen)
    same("requests that arrived", [each["operation"] for each in seen.arrived], ["track"])
    same("the event's id", seen.arrived[0]["json"].get("id"), _orders(seen.before)[0]["id"])


def _orders(state: State) -> list[dict[str, Any]]:
    events = state.one("people", id=MARA)["events"]
    return [each for each in events if each["name"] == "order_paid"]


def phone_is_kept(seen: Seen) -> None:
    """The device belongs to the person."""
    devices = seen.after.one("people", id=MARA)["devices"]
    same("devices", [(each["id"], each["platform"]) for each in devices], [(PHONE, "android")])


def phone_is_gone(seen: Seen) -> None:
    """The device was there and is not any more."""
    phone_was = [each["id"] for each in seen.before.one("people", id=MARA)["devices"]]
    same("devices before", phone_was, [PHONE])
    same("devices", seen.after.one("people", id=MARA)["devices"], [])


def push_is_sent(seen: Seen) -> None:
    """One delivery was made, to that phone, with that text and those data."""
    sent = _only_delivery(seen)
    same("its kind", sent["type"], "push")
    same("its recipient", (sent["customer_id"], sent["recipient"]), (MARA, PHONE))
    same("its subject", sent["subject"], "On its way")
    same("its data", sent["content"].get("message_data"), {"order": "1001"})


def mail_is_sent(seen: Seen) -> None:
    """One delivery was made, to that address, from that template."""
    sent = _only_delivery(seen)
    same("its kind", sent["type"], "email")
    same("its recipient", (sent["customer_id"], sent["recipient"]), (MARA, MAIL))
    same("its subject", sent["subject"], "Your receipt")


def _only_delivery(seen: Seen) -> dict[str, Any]:
    made = seen.new("deliveries")
    same("new deliveries", len(made), 1)
    return made[0]


def messages_agree(seen: Seen) -> None:
    """The tool lists the deliveries which the App API lists, in that order."""
    members = ("id", "recipient", "subject", "created")
    theirs = seen.server.app("/v1/messages?type=email&limit=5")["messages"]
    ours = seen.told("messages")
    expected = [[each[member] for member in members] for each in theirs]
    same("messages", [[each.get(member) for member in members] for each in ours], expected)
    same("the newest subject", ours[0]["subject"], "Your receipt")


def manual_segments_agree(seen: Seen) -> None:
    """The tool lists the manual segments which the App API lists."""
    theirs = seen.server.app("/v1/segments")["segments"]
    manual = [(each["id"], each["name"]) for each in theirs if each["type"] == "manual"]
    same("segments", [(each["id"], each["name"]) for each in seen.told("segments")], manual)


def segment_is_made(seen: Seen) -> None:
    """There is exactly one new segment, manual and empty."""
    made = seen.new("segments")
    shown = [(each["name"], each["type"], each["members"]) for each in made]
    same("new segments", shown, [(SEGMENT, "manual", [])])
    same("its id in the result", seen.told("segment_id"), made[0]["id"])


def mara_and_ada_are_in(seen: Seen) -> None:
    """Both are members; the address that was left out is not."""
    same("members", _members(seen), ["mara", "u1"])


def only_mara_is_in(seen: Seen) -> None:
    """Ada was a member and is not any more."""
    same("members", _members(seen), ["mara"])


def _segment_id(state: State) -> int:
    return int(state.one("segments", name=SEGMENT)["id"])


def _members(seen: Seen) -> list[str]:
    return sorted(seen.server.app(f"/v1/segments/{_segment_id(seen.after)}/membership")["ids"])


def segment_agrees(seen: Seen) -> None:
    """The tool tells the segment and the count which the App API has."""
    number = _segment_id(seen.after)
    same("the segment", seen.told("segment"), seen.server.app(f"/v1/segments/{number}")["segment"])
    count = seen.server.app(f"/v1/segments/{number}/customer_count")["count"]
    same("the count", (seen.told("customer_count"), count), (1, 1))


def news_went_to_mara(seen: Seen) -> None:
    """The next trigger of the broadcast exists, and reached the segment and nobody else."""
    earlier = [each["id"] for each in seen.before.find("triggers", broadcast_id=30)]
    ours = [each for each in seen.after["triggers"] if each not in seen.before["triggers"]]
    made = [(each["broadcast_id"], each["id"], each["audience"], each["failed"]) for each in ours]
    same("new triggers", made, [(30, max(earlier, default=0) + 1, "recipients", False)])
    sent = [(each["broadcast_id"], each["recipient"]) for each in seen.new("deliveries")]
    same("its deliveries", sent, [(30, MAIL)])


def campaigns_agree(seen: Seen) -> None:
    """The tool lists the running campaigns which the App API lists."""
    theirs = seen.server.app("/v1/campaigns")["campaigns"]
    running = [(each["id"], each["name"]) for each in theirs if each["state"] == "running"]
    same("campaigns", [(each["id"], each["name"]) for each in seen.told("campaigns")], running)


def campaign_agrees(seen: Seen) -> None:
    """The tool tells the campaign which the App API has."""
    theirs = seen.server.app("/v1/campaigns/12")["campaign"]
    same("the campaign", seen.told("campaign"), theirs)


def metrics_agree(seen: Seen) -> None:
    """The tool's totals are the sums of the App API's series; those it leaves out are 0."""
    series = seen.server.app("/v1/campaigns/12/metrics?period=days&steps=45")["metric"]["series"]
    totals = {name: sum(values) for name, values in series.items() if any(values)}
    same("totals", seen.told("totals"), totals)
    same("whether anything was sent", totals.get("sent", 0) > 0, True)


def ivy_is_folded_in(seen: Seen) -> None:
    """The secondary is gone; what the primary lacked is there now, what it had is its own."""
    plan = seen.before.one("people", email=IVY)["attributes"]["plan"]
    same(
        "Ivy is unknown",
        seen.server.is_unknown(f"/v1/customers/{IVY}/attributes?id_type=email"),
        True,
    )
    mara = seen.after.one("people", id=MARA)["attributes"]
    same("Mara's name and plan", (mara.get("first_name"), mara.get("plan")), ("Mara", plan))


def linus_is_silenced(seen: Seen) -> None:
    """The profile is gone, and a later identify by anybody brings nothing back."""
    seen.before.one("people", id=LINUS)
    same("Linus", seen.after.find("people", id=LINUS), [])
    seen.server.identify(LINUS, {"first_name": "Linus"})
    same("Linus after an identify", seen.server.state().find("people", id=LINUS), [])


def linus_is_heard(seen: Seen) -> None:
    """The suppression is lifted: a later identify by anybody is heard."""
    same("Linus was suppressed", len(seen.before.find("suppressions", value=LINUS)), 1)
    same("suppressions", seen.after.find("suppressions", value=LINUS), [])
    seen.server.identify(LINUS, {"first_name": "Linus"})
    seen.server.state().one("people", id=LINUS)


def margaret_is_gone(seen: Seen) -> None:
    """The person is gone, not suppressed, and nobody else is."""
    others = [each["cio_id"] for each in seen.before["people"] if each["id"] != MARGARET]
    seen.before.one("people", id=MARGARET)
    same("people", [each["cio_id"] for each in seen.after["people"]], others)
    same("App API knows her", seen.server.is_unknown(f"/v1/customers/{MARGARET}/attributes"), True)
    same("suppressions", seen.after.find("suppressions", value=MARGARET), [])


def segment_is_gone(seen: Seen) -> None:
    """The segment answers 404, and its people stay."""
    number = quote(str(_segment_id(seen.before)))
    same("the segment is unknown", seen.server.is_unknown(f"/v1/segments/{number}"), True)
    seen.after.one("people", id=MARA)
