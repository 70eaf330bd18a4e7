"""A call whose answer was lost is told whole: what may have happened, and what to do."""

from __future__ import annotations

import re
from typing import Any

import requests
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.calls.call import Exchange
from tests.support.clients import EMAIL, SAVED_US, AnyPace
from tests.support.whole import LOOK_FOR_MAIL, still

BROKE = "The connection broke before Customer.io's answer arrived ({}.customer.io)."


def lost(name: str, arguments: Any, context: CallContext | None = None) -> tuple[Any, int]:
    """Return the result of a call whose every answer is lost, and how many requests it made."""
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as net,
        CustomerIoTool(
            SAVED_US, policy="open", backends=Backends(limiter=AnyPace()), clock=still()
        ) as tool,
    ):
        for method in ("GET", "POST", "PUT", "DELETE"):
            net.add(method, re.compile("https://"), body=requests.ConnectionError("reset by peer"))
        return tool.call(name, arguments, context=context), len(net.calls)


def test_a_read_changed_nothing_and_was_tried_three_times() -> None:
    assert lost("list_segments", {}) == (
        {
            "ok": False,
            "summary": f"{BROKE.format('api')} Nothing was changed.",
            "error": {"code": "unreachable", "next_step": "wait", "took_effect": "no"},
        },
        3,
    )


def test_what_may_happen_twice_may_be_repeated() -> None:
    again = "It may have happened; repeating the same call is safe."
    doubt = {"code": "outcome_unknown", "next_step": "wait", "took_effect": "unknown"}
    summary = f"{BROKE.format('track')} {again}"
    assert lost("track_event", {"customer_id": "u1", "name": "paid"}) == (
        {
            "ok": False,
            "summary": summary,
            "event_id": "01KARA427M0000000000000000",
            "error": doubt,
        },
        3,
    )
    erased, requested = lost("delete_customer", {"customer_id": "u1"})
    assert erased == {"ok": False, "summary": summary, "error": doubt}
    assert requested == 4, "one look at the target, and three tries"


def test_what_must_not_happen_twice_is_looked_at_and_was_tried_once() -> None:
    doubt = {"code": "outcome_unknown", "next_step": "look_first", "took_effect": "unknown"}
    assert lost("send_transactional_email", EMAIL) == (
        {
            "ok": False,
            "summary": f"{BROKE.format('api')} It may have happened: make the call in `look` "
            "first, and do not repeat this one without asking the user.",
            "error": {**doubt, "look": LOOK_FOR_MAIL},
        },
        1,
    )


def test_a_name_that_could_not_be_compared_is_refused_with_the_reason() -> None:
    by_id = {"subtool": "get_segment", "arguments": {"segment_id": 1, "include_count": True}}
    failed = {"code": "unreachable", "next_step": "wait", "took_effect": "no"}
    assert lost("delete_segment", {"segment_id": 1, "name": "Beta"}) == (
        {
            "ok": False,
            "summary": f"Nothing was sent, as name could not be compared. {BROKE.format('api')} "
            "Once the call in `look` succeeds, make this one again.",
            "error": {**failed, "look": by_id},
        },
        1,
    )


def test_a_call_that_is_cancelled_during_its_look_has_certainly_no_effect() -> None:
    shown: list[Exchange] = []
    context = CallContext(on_exchange=shown.append, cancelled=lambda: bool(shown))
    assert lost("delete_customer", {"customer_id": "u1"}, context) == (
        {
            "ok": False,
            "summary": "The call was cancelled.",
            "error": {"code": "cancelled", "next_step": "give_up", "took_effect": "no"},
        },
        1,
    )
