"""What a call may erase is told whole: in its result, in its question, and where it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import responses

from customerio_tool import Connection, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.results import AS_DATA
from tests.support.clients import APP_US, SAVED_US, AnyPace
from tests.support.whole import still

PEOPLE, SEGMENT = f"{APP_US}/v1/customers/u1/attributes", f"{APP_US}/v1/segments/1"
COUNT = f"{SEGMENT}/customer_count"
GONE = (404, {"errors": [{"detail": "not found"}]})
IDS = {"id": "u1", "email": "ada@example.com", "cio_id": "d9"}
ADA = (200, {"customer": {"id": "u1", "identifiers": IDS, "attributes": {**IDS, "plan": "pro"}}})
BETA = (200, {"segment": {"id": 1, "name": "Beta", "type": "manual"}})
THREE = (200, {"count": 3})

DELETE, DELETED = ("delete_customer", {"customer_id": "u1"}), "Customer.io accepted the deletion of"
KNOWN = f"{DELETED} u1 and applies it shortly."
SOMEBODY = "Somebody with this customer_id was known before."
NOBODY = (
    "Nobody with this id was known before: unless an earlier call deleted them, ask the user "
    "whether the id is right."
)
UNREAD = (
    "Whether anybody has this id could not be read before, so that a read which finds nobody later "
    "proves nothing."
)
WAITS = (
    "Nothing was sent yet: delete_customer waits for a person's approval, which only the "
    "application that runs this agent can pass on. Tell the user what you asked for; no argument "
    "approves it, and asking again changes nothing."
)
ASKS = {"code": "confirmation_required", "next_step": "ask_user", "took_effect": "no"}
VERIFY = {"subtool": "get_customer_attributes", "arguments": {"customer_id": "u1"}}

Replies = Mapping[Any, tuple[int, Any]]


@pytest.fixture
def sent() -> list[str]:
    """The requests of the last call, each as its method and its address."""
    return []


def told(
    sent: list[str],
    call: tuple[str, dict[str, Any]],
    replies: Replies,
    policy: Any = "open",
    saved: Any = SAVED_US,
    writes: int = 200,
) -> dict[str, Any]:
    """Return the result of a call whose reads are answered so, and whose writes with a status."""
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as net,
        CustomerIoTool(
            saved, policy=policy, backends=Backends(limiter=AnyPace()), clock=still()
        ) as tool,
    ):
        for place, (status, reply) in replies.items():
            form = "body" if isinstance(reply, bytes) else "json"
            net.get(place, status=status, **{form: reply})
        for method in ("POST", "PUT", "DELETE"):
            net.add(method, re.compile("https://"), json={}, status=writes)
        result = tool.call(*call)
        sent[:] = [f"{each.request.method} {each.request.url}" for each in net.calls]
    return result


def test_a_person_who_was_there_is_told_beside_what_was_done(sent: list[str]) -> None:
    result = told(sent, DELETE, {PEOPLE: ADA})
    assert result == {
        "ok": True,
        "summary": f"{KNOWN} {SOMEBODY} {AS_DATA}",
        "outcome": "accepted",
        "verify": VERIFY,
        "existed": True,
        "target": IDS,
        "untrusted": True,
    }
    assert sent == [
        f"GET {PEOPLE}?id_type=id",
        "DELETE https://track.customer.io/api/v1/customers/u1",
    ]


def test_a_refusal_tells_of_the_target_too(sent: list[str]) -> None:
    words = (
        "Customer.io refused the request (HTTP 400). It gave no reason: check each argument, and "
        "ask the user if all are right."
    )
    assert told(sent, DELETE, {PEOPLE: ADA}, writes=400) == {
        "ok": False,
        "summary": f"{words} {AS_DATA}",
        "existed": True,
        "target": IDS,
        "untrusted": True,
        "error": {
            "code": "request_rejected",
            "next_step": "fix_arguments",
            "took_effect": "no",
            "http_status": 400,
        },
    }


def test_nobody_is_told_first_and_a_look_that_failed_tells_neither(sent: list[str]) -> None:
    accepted = {"ok": True, "outcome": "accepted"}
    summary = f"{NOBODY} {KNOWN}"
    assert told(sent, DELETE, {PEOPLE: GONE}) == {
        **accepted,
        "summary": summary,
        "existed": False,
    }
    failures: list[tuple[int, Any]] = [
        (404, b"<html>"),
        (404, b"[]"),
        (500, b""),
        (401, {}),
        (200, {"customer": {"id": "u8", "attributes": {"id": "u8"}}}),
        (200, {"error": "no"}),
    ]
    for failed in failures:
        result = told(sent, DELETE, {PEOPLE: failed})
        assert result == {**accepted, "summary": f"{UNREAD} {KNOWN}"}, failed
        assert len(sent) == 2


def test_without_a_key_for_the_read_that_is_the_reason_which_is_told(sent: list[str]) -> None:
    track = {name: SAVED_US[name] for name in ("site_id", "track_api_key", "region")}
    connection = Connection.load(track, apis=[Api.TRACK])
    reason = "The connection has no app_api_key for that read."
    assert told(sent, DELETE, {}, saved=connection) == {
        "ok": True,
        "outcome": "accepted",
        "summary": f"{UNREAD} {reason} {KNOWN}",
    }
    assert len(sent) == 1


def test_the_question_has_what_was_read(sent: list[str]) -> None:
    asked = {"ok": False, "confirmation_id": "1-0000000000000000", "error": ASKS}
    human = {"confirm": "human"}
    assert told(sent, DELETE, {PEOPLE: ADA}, human) == {
        **asked,
        "summary": f"{WAITS} {SOMEBODY} {AS_DATA}",
        "existed": True,
        "target": IDS,
        "untrusted": True,
    }
    assert told(sent, DELETE, {PEOPLE: GONE}, human) == {
        **asked,
        "summary": f"{WAITS} {NOBODY}",
        "existed": False,
    }
    assert told(sent, DELETE, {PEOPLE: (500, b"")}, human) == {
        **asked,
        "summary": f"{WAITS} {UNREAD}",
    }
    assert len(sent) == 1


def test_what_the_policy_hides_of_the_target_is_not_told(sent: list[str]) -> None:
    hiding: dict[str, Any] = {"hidden_attributes": ["email", "cio_id"]}
    only: dict[str, Any] = {"enabled": ["delete_customer"]}
    result = told(sent, DELETE, {PEOPLE: ADA}, {"confirm": "never", **hiding})
    assert (result["existed"], result["target"]) == (True, {"id": "u1"})
    result = told(sent, DELETE, {PEOPLE: ADA}, {"confirm": "never", **only})
    assert result == {
        "ok": True,
        "summary": f"{KNOWN} {SOMEBODY}",
        "outcome": "accepted",
        "verify": VERIFY,
        "existed": True,
    }


@pytest.mark.parametrize(
    ("count", "people", "members"),
    [
        (THREE, "3 people were in it.", {"customer_count": 3}),
        ((200, {"count": 1}), "1 person was in it.", {"customer_count": 1}),
        ((500, {}), "How many people were in it could not be read.", {}),
        ((404, {}), "How many people were in it could not be read.", {}),
        ((200, {"error": "no"}), "How many people were in it could not be read.", {}),
    ],
)
def test_a_segment_is_told_with_its_size_where_that_can_be_read(
    sent: list[str], count: tuple[int, Any], people: str, members: dict[str, Any]
) -> None:
    assert told(sent, ("delete_segment", {"segment_id": 1}), {SEGMENT: BETA, COUNT: count}) == {
        "ok": True,
        "summary": f"Deleted segment 1; its people stay. {people} {AS_DATA}",
        "outcome": "done",
        "segment_id": 1,
        "existed": True,
        "target": {"id": 1, "name": "Beta", "type": "manual", **members},
        "untrusted": True,
    }
    assert sent == [f"GET {SEGMENT}", f"GET {COUNT}", f"DELETE {SEGMENT}"]


def test_a_segment_that_the_answer_does_not_name_was_not_read(sent: list[str]) -> None:
    unnamed = {SEGMENT: (200, {"segment": {"name": "Beta"}}), COUNT: THREE}
    assert told(sent, ("delete_segment", {"segment_id": 1}), unnamed) == {
        "ok": True,
        "summary": "What this segment was could not be read before. Deleted segment 1; its people "
        "stay.",
        "outcome": "done",
        "segment_id": 1,
    }


NAMED = ("delete_segment", {"segment_id": 1, "name": "Alpha"})
BY_NAME = {"subtool": "list_segments", "arguments": {"name_contains": "Alpha"}}
BY_ID = {"subtool": "get_segment", "arguments": {"segment_id": 1, "include_count": True}}


def test_a_segment_of_another_name_is_not_deleted_and_its_name_not_told(sent: list[str]) -> None:
    assert told(sent, NAMED, {SEGMENT: BETA, COUNT: THREE}) == {
        "ok": False,
        "summary": "Nothing was sent. name is not what the target is called; make the call in "
        "`look`, and let the user say which one is meant.",
        "error": {
            "code": "arguments_invalid",
            "next_step": "look_first",
            "took_effect": "no",
            "fields": [{"path": "name", "fix": "make the call in `look`"}],
            "look": BY_NAME,
        },
    }
    for right in ("Beta", "  Be\u200bta "):
        same = ("delete_segment", {"segment_id": 1, "name": right})
        assert told(sent, same, {SEGMENT: BETA, COUNT: THREE})["ok"]
        assert sent[-1] == f"DELETE {SEGMENT}"


def test_a_name_that_could_not_be_compared_deletes_nothing(sent: list[str]) -> None:
    not_compared = "Nothing was sent, as name could not be compared."
    again = "Once the call in `look` succeeds, make this one again."
    cases: list[tuple[tuple[int, Any], str, str, int | None]] = [
        (
            (500, b""),
            "Customer.io failed (HTTP 500). Nothing was changed: repeat it later.",
            "service_failed",
            500,
        ),
        (
            (200, {"segment": {"name": "Alpha"}}),
            "Customer.io answered this read about something else.",
            "reply_unreadable",
            None,
        ),
        ((404, b"<html>"), "A 404 came that is not Customer.io's own.", "reply_unreadable", None),
    ]
    for failed, words, code, status in cases:
        error = {"code": code, "next_step": "wait", "took_effect": "no", "look": BY_ID}
        assert told(sent, NAMED, {SEGMENT: failed, COUNT: THREE}) == {
            "ok": False,
            "summary": f"{not_compared} {words} {again}",
            "error": {**error, **({"http_status": status} if status else {})},
        }
    advice = (
        "Customer.io knows nothing by this id (HTTP 404). list_segments shows the ids of all "
        "segments. Do not create what was not found, unless the user asked for that. Make the call "
        "in `look`, and let the user say which one is meant."
    )
    assert told(sent, NAMED, {SEGMENT: GONE}) == {
        "ok": False,
        "summary": f"{not_compared} {advice} {AS_DATA}",
        "said": "not found",
        "untrusted": True,
        "error": {
            "code": "not_found",
            "next_step": "look_first",
            "took_effect": "no",
            "http_status": 404,
            "look": BY_NAME,
        },
    }
    assert sent == [f"GET {SEGMENT}"]


def test_whoever_has_the_second_identifier_is_told_before_a_merge(sent: list[str]) -> None:
    both = ("identify_customer", {"customer_id": "u7", "email": "ada@example.com"})
    theirs = f"{APP_US}/v1/customers/ada%40example.com/attributes"
    policy = {"confirm": "human"}
    merged = (
        "Somebody has the second identifier who is not known by the first: the two may be merged "
        "for good."
    )
    waits = WAITS.replace("delete_customer", "identify_customer")
    asked = {"ok": False, "confirmation_id": "1-0000000000000000", "error": ASKS}
    assert told(sent, both, {theirs: ADA}, policy) == {
        **asked,
        "summary": f"{waits} {merged} {AS_DATA}",
        "target": IDS,
        "untrusted": True,
    }
    assert sent == [f"GET {theirs}?id_type=email"]
    unread = "Who has the second identifier could not be read before: it may be somebody else's."
    assert told(sent, both, {theirs: (500, b"")}, policy) == {
        **asked,
        "summary": f"{waits} {unread}",
    }
    own = {**IDS, "id": "u7"}
    same = (200, {"customer": {"id": "u7", "identifiers": own, "attributes": own}})
    for reply in (GONE, same):
        result = told(sent, both, {theirs: reply}, policy)
        assert result["ok"]
        assert not {"existed", "target", "untrusted"} & result.keys()
        assert [each.partition(" ")[0] for each in sent] == ["GET", "PUT"]
