"""Each answer that is no success is told whole: these members, these words, and no others."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.connection.client import MAX_REPLY_BYTES
from customerio_tool.subtools.declare.results import AS_DATA
from tests.support.clients import EMAIL, SAVED_US, AnyPace, code_of
from tests.support.whole import LOOK_FOR_MAIL, result_of, still

READ, LIST, EVENT = "get_segment", "list_segments", "track_event"
CREATE, MAIL = "create_manual_segment", "send_transactional_email"
KNOWN = {EVENT: {"event_id": "01KARA427M0000000000000000"}}
"""What is known of a call whatever comes of it: its time is fixed, and its random bytes are 0."""

TRACK_KEY = "Tell the user to check site_id, track_api_key and region of the connection."
APP_KEY = (
    "Tell the user to check app_api_key and region of the connection, and whether the key is "
    "limited to other IP addresses."
)
MOVED = (
    "Customer.io answered with a redirect, as it does where the region of a connection is wrong "
    "(HTTP {}). {}"
)
LOOK = (
    "It may have happened: make the call in `look` first, and do not repeat this one without "
    "asking the user."
)
SCOPE = (
    "The credentials may not do this (HTTP 403). Tell the user: the key's scope or its list of IP "
    "addresses is too narrow, or the workspace lacks the channel."
)
NOT_YET = (
    "Or nothing may be sent yet: the account is not approved for sending, its owner's e-mail "
    "address is not confirmed, or the workspace is set to Do Not Send."
)
NO_ID = (
    "Customer.io has nothing where this call asked (HTTP 404). Tell the user: the call names no "
    "id, so that other arguments would not mend that."
)
TEMPLATE = (
    "sk the user for the transactional_message_id: the id or trigger name, under Transactional in "
    "Customer.io, of a template for this kind of message."
)
LISTED = "list_segments shows the ids of all segments."
UNKNOWN_ID = "Customer.io knows nothing by this id (HTTP 404)."
ASK_ID = "Ask the user whether the id is right."
REJECTED = "Customer.io rejected the credentials (HTTP 401)."
TOO_LARGE = (
    "Customer.io refused this as too large (HTTP 413). Send less in one call; if nothing can be "
    "left out, tell the user."
)
REFUSED = "Customer.io refused the request (HTTP 400)."
IN_SAID = "Its words are in `said`: change what they name."
NO_REASON = "It gave no reason: check each argument, and ask the user if all are right."
TOO_MANY = (
    "Too many requests, so this one was not accepted (HTTP 429). Wait `retry_after_seconds`, then "
    "repeat it."
)
AGAIN = "It may have happened; repeat the same call later: that is safe."
FAILED = "Customer.io failed (HTTP 503)."

Case = tuple[str, int, str, str, str, str]
REFUSALS: list[Case] = [
    (EVENT, 401, f"{REJECTED} {TRACK_KEY}", "credentials_rejected", "ask_user", "no"),
    (READ, 401, f"{REJECTED} {APP_KEY}", "credentials_rejected", "ask_user", "no"),
    (EVENT, 403, SCOPE, "permission_denied", "ask_user", "no"),
    (MAIL, 403, f"{SCOPE} {NOT_YET}", "permission_denied", "ask_user", "no"),
    (EVENT, 404, f"{UNKNOWN_ID} {ASK_ID}", "not_found", "ask_user", "no"),
    (LIST, 404, NO_ID, "not_found", "ask_user", "no"),
    (CREATE, 404, NO_ID, "not_found", "ask_user", "no"),
    (MAIL, 404, f"{UNKNOWN_ID} A{TEMPLATE}", "not_found", "ask_user", "no"),
    (
        READ,
        404,
        f"{UNKNOWN_ID} {LISTED} Do not create what was not found, unless the user asked for that.",
        "not_found",
        "fix_arguments",
        "no",
    ),
    (EVENT, 413, TOO_LARGE, "request_rejected", "fix_arguments", "no"),
    (EVENT, 400, f"{REFUSED} {NO_REASON}", "request_rejected", "fix_arguments", "no"),
    (
        READ,
        400,
        f"{REFUSED} {NO_REASON} If it refused the id: {LISTED}",
        "request_rejected",
        "fix_arguments",
        "no",
    ),
    (EVENT, 307, MOVED.format(307, TRACK_KEY), "credentials_rejected", "ask_user", "no"),
    (READ, 302, MOVED.format(302, APP_KEY), "credentials_rejected", "ask_user", "no"),
    (READ, 300, MOVED.format(300, APP_KEY), "credentials_rejected", "ask_user", "no"),
    (
        EVENT,
        302,
        MOVED.format(302, f"{TRACK_KEY} It may have happened; repeating the same call is safe."),
        "credentials_rejected",
        "ask_user",
        "unknown",
    ),
    (EVENT, 503, f"{FAILED} {AGAIN}", "service_failed", "wait", "unknown"),
    (READ, 503, f"{FAILED} Nothing was changed: repeat it later.", "service_failed", "wait", "no"),
]


def told(case: Case, **more: Any) -> dict[str, Any]:
    name, status, summary, code, next_step, took_effect = case
    error = {"code": code, "next_step": next_step, "took_effect": took_effect}
    return {
        "ok": False,
        "summary": summary,
        **KNOWN.get(name, {}),
        "error": {**error, "http_status": status, **more},
    }


def test_each_refusal_is_told_in_these_words() -> None:
    for case in REFUSALS:
        name, status, *_ = case
        assert result_of(name, b"", status) == told(case)


def test_a_refusal_says_what_is_wrong_with_files_and_where_ids_are_listed() -> None:
    mail = {**EMAIL, "attachments": {"a.pdf": "YQ=="}}

    def summary(status: int, **more: Any) -> str:
        return str(result_of(MAIL, b"", status, arguments=mail, **more)["summary"])

    file = "Or a file in attachments is of a type that Customer.io refuses."
    size = "Attachments may be counted in base64, which is a third longer than the files."
    assert summary(403) == f"{SCOPE} {NOT_YET} {file}"
    assert summary(413) == f"{TOO_LARGE} {size}"
    assert summary(404) == f"{UNKNOWN_ID} A{TEMPLATE}"
    listed = "list_transactional_messages shows the ids of all templates, for "
    with_lookups: dict[str, Any] = {"confirm": "never", "lookups": True}
    assert summary(404, **with_lookups) == f"{UNKNOWN_ID} {listed}transactional_message_id."
    unnamed = {"broadcast_name": "Spring", "audience": "default"}
    for more, is_found in (({"confirm": "never"}, False), (with_lookups, True)):
        told = result_of("trigger_broadcast", arguments=unnamed, **more)
        assert ("list_broadcasts finds it by the name" in told["summary"]) is is_found
        assert ("look" in told["error"]) is is_found


def test_the_words_of_customer_io_are_beside_ours_and_marked_as_data() -> None:
    for name, words in (
        (EVENT, f"{REFUSED} {IN_SAID}"),
        (MAIL, f"{REFUSED} {IN_SAID} If it refused the id: a{TEMPLATE}"),
    ):
        assert result_of(name, {"meta": {"error": "no"}}, 400) == {
            **told((name, 400, f"{words} {AS_DATA}", "request_rejected", "fix_arguments", "no")),
            "said": "no",
            "untrusted": True,
        }
    for case in REFUSALS:
        name, status, summary, *_ = case
        result = result_of(name, {"errors": ["gone"]}, status)
        assert (result["said"], result["untrusted"]) == ("gone", True)
        if status != 400:
            assert result["summary"] == f"{summary} {AS_DATA}"


def test_what_must_not_happen_twice_is_looked_at_first() -> None:
    looks: dict[str, Any] = {
        MAIL: LOOK_FOR_MAIL,
        CREATE: {
            "subtool": "list_segments",
            "arguments": {"type": "manual", "name_contains": "Beta", "limit": 200},
        },
    }
    doubts = {
        500: f"Customer.io failed while handling this call (HTTP 500). {LOOK}",
        302: f"{MOVED.format(302, APP_KEY)} {LOOK}",
    }
    for name, look in looks.items():
        for status, words in doubts.items():
            for body, more in ((b"", {}), ({"error": "no"}, {"said": "no", "untrusted": True})):
                summary = f"{words} {AS_DATA}" if more else words
                case = (name, status, summary, "outcome_unknown", "look_first", "unknown")
                assert result_of(name, body, status) == {**told(case, look=look), **more}
        case = (name, 200, "", "outcome_unknown", "look_first", "unknown")
        words = f"Customer.io answered with an error (HTTP 200). {LOOK} {AS_DATA}"
        assert result_of(name, {"error": "no"}) == {
            **told(case, look=look),
            "summary": words,
            "said": "no",
            "untrusted": True,
        }


def test_a_write_without_a_look_that_is_answered_with_an_error_is_for_the_user() -> None:
    words = "It may have happened; repeating the same call is safe."
    summary = f"Customer.io answered with an error (HTTP 200). {words} {AS_DATA}"
    assert result_of(EVENT, {"error": "no"}) == {
        **told((EVENT, 200, summary, "outcome_unknown", "ask_user", "unknown")),
        "said": "no",
        "untrusted": True,
    }


def test_how_long_to_wait_is_what_was_asked_for_else_one_period() -> None:
    def waits(name: str, status: int, **headers: str) -> Any:
        asked = {each.replace("_", "-"): value for each, value in headers.items()}
        return result_of(name, b"", status, headers=asked)["error"].get("retry_after_seconds")

    assert waits(READ, 429) == waits(EVENT, 429) == 1.0
    assert waits("trigger_broadcast", 429) == 10.0
    for status in (429, 503):
        assert waits(READ, status, Retry_After="3600") == 3600
        assert waits(EVENT, status, Retry_After="3600") == 3600
        assert waits(READ, status, Retry_After="Sun, 23 Nov 2025 14:13:20 GMT") == 7199.5
    assert waits(READ, 503) is None
    assert waits(READ, 404, Retry_After="3600") is None
    assert waits(MAIL, 500, Retry_After="3600") is None
    for name in (READ, EVENT):
        case = (name, 429, TOO_MANY, "rate_limited", "wait", "no")
        assert result_of(name, b"", 429) == told(case, retry_after_seconds=1.0)


UNREADABLE = "Customer.io answered this read with {}."
OTHER_JSON = UNREADABLE.format("something other than the JSON it documents")
AN_ERROR = UNREADABLE.format("an error")
ANOTHER = UNREADABLE.format("another object than the one that was asked for")


def test_a_read_says_how_its_answer_cannot_be_used() -> None:
    cases: list[tuple[str, Any, str]] = [
        (READ, b"<html>", OTHER_JSON),
        (READ, [], OTHER_JSON),
        (READ, {}, OTHER_JSON),
        (READ, {"segment": []}, OTHER_JSON),
        (READ, {"segment": None}, OTHER_JSON),
        (LIST, {"segments": {}}, OTHER_JSON),
        (LIST, {"segments": [{"id": 1}, 2]}, OTHER_JSON),
        (LIST, {"segments": "x"}, OTHER_JSON),
        (READ, {"segment": {"id": 2}}, ANOTHER),
    ]
    for name, body, words in cases:
        case = (name, 200, words, "reply_unreadable", "wait", "no")
        assert result_of(name, body) == told(case), body
    for name, body in (
        (READ, {"segment": {"id": 7}, "error": "no"}),
        (READ, {"error": "no"}),
        (READ, [{"error": "no"}]),
        (LIST, {"segments": [], "errors": ["no"]}),
        (LIST, {"segments": [{"error": "x"}], "errors": ["no"]}),
    ):
        case = (name, 200, f"{AN_ERROR} {AS_DATA}", "reply_unreadable", "wait", "no")
        assert result_of(name, body) == {**told(case), "said": "no", "untrusted": True}, body
    assert result_of(LIST, {"segments": None})["segments"] == []
    assert result_of(LIST, {"segments": [{"id": 1, "name": "Beta"}]})["count"] == 1


def test_a_read_whose_answer_is_too_long_is_not_waited_for() -> None:
    words = (
        "Customer.io's answer to this read is too long to be read, and waiting makes it no "
        "shorter. Ask for less, if an argument of this subtool does that; else tell the user."
    )
    case = (READ, 200, words, "reply_unreadable", "ask_user", "no")
    assert result_of(READ, b" " * (MAX_REPLY_BYTES + 1)) == told(case)


def test_a_second_read_is_judged_as_the_first_one_is() -> None:
    place = "https://api.customer.io/v1/segments/7"
    cases: list[tuple[int, Any, str, str]] = [
        (300, {"count": 3}, MOVED.format(300, APP_KEY), "credentials_rejected"),
        (199, {"count": 3}, "", "service_failed"),
        (200, {"number": 3}, OTHER_JSON, "reply_unreadable"),
        (200, [], OTHER_JSON, "reply_unreadable"),
        (200, {"count": 3, "segment_id": 8}, ANOTHER, "reply_unreadable"),
        (201, {"count": 3}, "", ""),
        (299, {"count": 3}, "", ""),
    ]
    for status, body, words, code in cases:
        with (
            responses.RequestsMock() as net,
            CustomerIoTool(SAVED_US, backends=Backends(limiter=AnyPace()), clock=still()) as tool,
        ):
            net.get(place, json={"segment": {"id": 7}})
            net.get(f"{place}/customer_count", status=status, json=body)
            result = tool.call(READ, {"segment_id": 7, "include_count": True})
        assert code_of(result) == code, (status, body)
        if words:
            assert result["summary"] == words
        if not code:
            assert result["customer_count"] == 3


@pytest.mark.parametrize(
    ("listed", "is_told"),
    [
        (["bad email"], True),
        ([], True),
        ([{"detail": "bad email"}], False),
        (["bad email", {"detail": "no"}], False),
    ],
)
def test_a_list_of_texts_that_a_read_asks_for_is_no_error(listed: list[Any], is_told: bool) -> None:
    place = "https://api.customer.io/v1/campaigns/30/triggers/5"
    with (
        responses.RequestsMock() as net,
        CustomerIoTool(
            SAVED_US,
            policy={"lookups": True},
            backends=Backends(limiter=AnyPace()),
            clock=still(),
        ) as tool,
    ):
        net.get(place, json={"id": 5})
        net.get(f"{place}/errors", json={"errors": listed})
        result = tool.call("get_broadcast_trigger", {"broadcast_id": 30, "trigger_id": 5})
    assert code_of(result) == ("" if is_told else "reply_unreadable")
    assert result.get("errors") == (listed if is_told else None)
    assert ("said" in result) is not is_told
