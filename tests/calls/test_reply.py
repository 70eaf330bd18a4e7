"""What a reply becomes: its payload, or the one error that it means; never its raw text."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import MAX_SAID_CHARS, error_for, payload_of
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Reply, retry_after
from customerio_tool.errors import CustomerIoError
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Answer, Invocation, Subtool
from customerio_tool.subtools.declare.vendor_json import MAX_REPLY_LEVELS, Item

AT = Invocation(now=1763900000.0, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
ALL = subtools()
NAMES = list(ALL)


def example_of(name: str) -> tuple[Subtool[Any], Any]:
    subtool = ALL[name]
    return subtool, subtool.parse(subtool.examples[0].arguments)


def payload(name: str, body: bytes, status: int = 200) -> Item:
    subtool, args = example_of(name)
    return payload_of(Call(subtool, args, AT), Reply(status, {}, body))


def error(
    name: str, status: int, body: bytes | Any = b"", headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the failure envelope of a reply."""
    subtool, args = example_of(name)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    failure = error_for(Call(subtool, args, AT), Reply(status, headers or {}, raw))
    return failure.as_result()


def result(name: str, body: Any) -> dict[str, Any]:
    """Return the result envelope of a 200, for a failure as for a success."""
    subtool, args = example_of(name)
    reply = Reply(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
    try:
        return subtool.result(Answer(args, AT, payload_of(Call(subtool, args, AT), reply)))
    except CustomerIoError as failure:
        return failure.as_result()


# The vendor's words

ENVELOPES = [
    ({"meta": {"errors": ["attribute 'x' is too long"]}}, "attribute 'x' is too long"),
    ({"meta": {"errors": ["one", "two"]}}, "one; two"),
    ({"meta": {"error": "Unauthorized request"}}, "Unauthorized request"),
    ({"errors": [{"detail": "not found", "status": "404"}]}, "not found"),
    ({"errors": [{"detail": "not found", "status": 404}]}, "not found"),
    (
        {"errors": [{"detail": "bad", "status": "422", "source": {"pointer": "/data/ids"}}]},
        "bad (at /data/ids)",
    ),
    ({"errors": [{"reason": "r", "field": "name", "message": "missing"}]}, "missing (at name)"),
    ({"errors": [{"reason": "required", "field": "name"}]}, "required (at name)"),
    ({"errors": ["plain"]}, "plain"),
]


@pytest.mark.parametrize(("body", "said"), ENVELOPES)
def test_each_error_envelope_of_the_vendor_is_read(body: Any, said: str) -> None:
    told = error("track_event", 400, body)

    assert told["said"] == said
    assert told["untrusted"] is True
    assert said not in told["summary"]


def test_errors_by_field_are_read_with_one_problem_or_several() -> None:
    one = ({"errors": {"name": "is missing"}}, "is missing (at name)")
    two = ({"errors": {"name": ["is missing", "is odd"]}}, "is missing (at name); is odd (at name)")
    for body, said in (one, two):
        told = error("track_event", 400, body)

        assert told["said"] == said
        assert told["untrusted"] is True
        assert said not in told["summary"]


@pytest.mark.parametrize("name", ["get_segment", "send_transactional_email", "trigger_broadcast"])
def test_how_to_find_an_id_is_told_as_a_guess_where_something_else_may_be_refused(
    name: str,
) -> None:
    unknown, refused = (error(name, status)["summary"] for status in (404, 422))
    sentence, _, find = unknown.partition("). ")
    find = find.partition(" Do not create")[0]

    assert "by this id" in sentence
    assert refused.endswith(f". If it refused the id: {find[0].lower()}{find[1:]}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html><body>502 Bad Gateway</body></html>",
        b"\xff\xfe",
        b"{",
        b"[]",
        b'"text"',
        b'{"meta":null,"errors":null}',
        b'{"meta":{"error":{"deep":"x"},"errors":{"a":1}},"errors":{"b":2}}',
        b'{"errors":[null,1,[],{}]}',
        b'{"errors":[{"detail":{"deep":"x"},"source":{"pointer":"/y"}}]}',
        b'{"errors":[{"detail":["x"],"source":"y"}]}',
        b'{"meta":{"error":"   "}}',
        b"[" * 100_000,
    ],
)
def test_a_body_without_words_says_nothing(body: bytes) -> None:
    told = error("track_event", 400, body)

    assert "said" not in told
    assert "untrusted" not in told
    assert told["error"]["code"] == "request_rejected"


def test_the_vendors_words_are_cut_cleaned_and_put_on_one_line() -> None:
    hidden = "a\u202eb\u200bc\U000e0041d\x1b[31m\r\n  e " + "x" * 1000

    said = error("track_event", 400, {"meta": {"error": hidden}})["said"]

    assert said.startswith("abcd[31m e xxx")
    assert len(said) == MAX_SAID_CHARS


@given(st.text())
def test_words_are_always_short_and_can_be_written(text: str) -> None:
    said = error("track_event", 400, {"meta": {"error": text}}).get("said", "")

    assert len(said) <= MAX_SAID_CHARS
    assert said.isprintable() or said.encode()


def test_half_a_surrogate_pair_does_not_reach_a_result() -> None:
    told = payload("get_segment", b'{"segment":{"name":"a\\ud800b"}}')

    assert told == {"segment": {"name": "ab"}}


# Which error a status means


@pytest.mark.parametrize(
    ("status", "code", "next_step"),
    [
        (307, "credentials_rejected", "ask_user"),
        (308, "credentials_rejected", "ask_user"),
        (400, "request_rejected", "fix_arguments"),
        (401, "credentials_rejected", "ask_user"),
        (403, "permission_denied", "ask_user"),
        (405, "request_rejected", "fix_arguments"),
        (413, "request_rejected", "fix_arguments"),
        (418, "request_rejected", "fix_arguments"),
        (422, "request_rejected", "fix_arguments"),
        (429, "rate_limited", "wait"),
    ],
)
@pytest.mark.parametrize("name", ["track_event", "get_segment", "send_transactional_email"])
def test_a_refusal_has_its_code_and_took_no_effect(
    name: str, status: int, code: str, next_step: str
) -> None:
    told = error(name, status)["error"]

    assert (told["code"], told["next_step"], told["took_effect"]) == (code, next_step, "no")
    assert told["http_status"] == status


@pytest.mark.parametrize("name", subtools())
def test_the_next_step_of_what_is_not_found_is_what_the_summary_says(name: str) -> None:
    result = error(name, 404)
    told = result["error"]

    assert (told["code"], told["took_effect"]) == ("not_found", "no")
    asks = re.search(r"(Ask|Tell|let) the user", result["summary"])
    assert told["next_step"] == ("ask_user" if asks else "fix_arguments")


@pytest.mark.parametrize(
    ("name", "names_an_id"),
    [("list_segments", False), ("list_messages", False), ("track_event", True)],
)
def test_a_404_speaks_of_an_id_only_where_the_call_has_one(name: str, names_an_id: bool) -> None:
    assert ("by this id" in error(name, 404)["summary"]) is names_an_id


def test_a_refusal_points_at_the_words_of_customer_io_only_where_it_has_some() -> None:
    with_words, without = (
        error("track_event", 400, b'{"meta":{"error":"no"}}'),
        error("track_event", 400, b""),
    )

    assert ("said" in with_words, "`said`" in with_words["summary"]) == (True, True)
    assert ("said" in without, "`said`" in without["summary"]) == (False, False)


@pytest.mark.parametrize("status", [408, 460, 499, 500, 502, 503, 504, 522, 524, 599])
def test_a_failure_of_the_service_leaves_a_write_in_doubt_and_a_read_undone(status: int) -> None:
    write, read = error("track_event", status)["error"], error("get_segment", status)["error"]
    send = error("send_transactional_email", status)

    assert (write["code"], write["took_effect"]) == ("service_failed", "unknown")
    assert (read["code"], read["took_effect"]) == ("service_failed", "no")
    assert (send["error"]["code"], send["error"]["took_effect"]) == ("outcome_unknown", "unknown")
    assert send["error"]["look"]["subtool"] == "list_messages"


def test_what_is_not_found_says_how_ids_are_found() -> None:
    assert "list_segments" in error("get_segment", 404)["summary"]
    assert "list_campaigns" in error("get_campaign", 404)["summary"]


def test_the_vendors_words_are_passed_on_where_a_send_is_in_doubt() -> None:
    told = error("send_transactional_email", 500, {"meta": {"error": "internal error"}})

    assert told["error"]["code"] == "outcome_unknown"
    assert told["said"] == "internal error"


def test_a_rejected_credential_names_the_fields_of_its_api() -> None:
    assert "site_id, track_api_key and region" in error("track_event", 401)["summary"]
    assert "app_api_key and region" in error("get_segment", 401)["summary"]


# How long to wait


def waits(text: str, now: float = AT.now) -> float | None:
    return retry_after(Reply(429, {"Retry-After": text}, b""), now)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("Sun, 23 Nov 2025 12:13:30 GMT", 10),
        ("Sun, 23 Nov 2025 12:13:30 -0000", 10),
        ("Sunday, 23-Nov-25 12:13:30 GMT", 10),
        ("Sun, 23 Nov 2025 12:13:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_a_wait_is_read_as_seconds_or_as_a_date(text: str, seconds: float) -> None:
    assert waits(text) == seconds


@pytest.mark.parametrize("days", [-400, -2, 2, 400])
def test_a_wrong_clock_of_this_machine_changes_no_wait(days: int) -> None:
    headers = {
        "Retry-After": "Sun, 23 Nov 2025 12:13:30 GMT",
        "Date": "Sun, 23 Nov 2025 12:13:20 GMT",
    }

    assert retry_after(Reply(429, headers, b""), AT.now + days * 86_400) == 10


@pytest.mark.parametrize("date", ["", "soon", "\x00"])
def test_without_a_date_of_the_reply_the_clock_counts(date: str) -> None:
    headers = {"Retry-After": "Sun, 23 Nov 2025 12:13:30 GMT", "Date": date}

    assert retry_after(Reply(429, headers, b""), AT.now) == 10


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "-5", "+5", "nan", "inf", "1e999", "9" * 400, "7, 8", "1_0", "0x10", "²"),
        *("Mon, 99 Foo 2025", "Fri, 31 Dec 9999 23:59:59 GMT", "2025-11-23T12:13:30Z", "\x00"),
    ],
)
def test_a_wait_that_makes_no_sense_is_none(text: str) -> None:
    assert waits(text) is None


@given(st.text())
def test_whatever_a_server_asks_for_is_no_time_or_a_time_ahead(text: str) -> None:
    seconds = waits(text)

    assert seconds is None or 0 <= seconds < 10 * 366 * 86_400


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_every_http_date_can_be_asked_for(moment: datetime, minutes: int) -> None:
    text = format_datetime(moment.replace(tzinfo=timezone(timedelta(minutes=minutes))))

    seconds = waits(text)

    if seconds is not None:
        assert seconds == max(0.0, round(parsedate_to_datetime(text).timestamp() - AT.now, 3))


def test_a_wait_reaches_the_model_where_waiting_helps() -> None:
    headers = {"Retry-After": "12"}

    assert error("get_segment", 429, headers=headers)["error"]["retry_after_seconds"] == 12
    assert error("get_segment", 503, headers=headers)["error"]["retry_after_seconds"] == 12
    assert "retry_after_seconds" not in error("get_segment", 404, headers=headers)["error"]


# What a 2xx holds; tests/calls/test_failures.py has those that cannot be read


def test_a_send_without_a_readable_reply_has_no_delivery_id_and_says_how_to_look() -> None:
    told = result("send_transactional_email", b"<html>")

    assert told["outcome"] == "accepted"
    assert told["delivery_id"] is None
    assert told["verify"]["subtool"] == "list_messages"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_a_success(status: int) -> None:
    assert payload("track_event", b"", status) == {}


@pytest.mark.parametrize("key", ["segments", "campaigns", "messages"])
def test_a_null_list_is_an_empty_one(key: str) -> None:
    told = result(f"list_{key}", {key: None})

    assert (told["ok"], told[key], told["count"]) == (True, [], 0)


def test_a_reply_as_deep_as_the_limit_is_read() -> None:
    inner = MAX_REPLY_LEVELS - 1
    body = b'{"segment":' + b'{"a":' * inner + b"1" + b"}" * inner + b"}"

    assert "segment" in payload("get_segment", body)


ODD: list[Any] = [None, 1, -1.5, True, "x", [], {}, [1], ["x"], [None], [{}], [[]], {"a": 1}]


@pytest.mark.parametrize("name", NAMES)
def test_odd_json_becomes_a_valid_result_and_never_a_crash(name: str) -> None:
    shape = ALL[name].shape
    main = shape.expects or "segment"
    keys = {*shape.returns, main, "delivery_id", "id", "queued_at", "send_at", "next"}
    inside = [*keys, "attributes", "devices", "identifiers", "metrics", "series", "name", "type"]
    bodies = [*ODD, *({key: odd} for key in keys for odd in ODD)]
    bodies += [{main: {key: odd}} for key in inside for odd in ODD]
    bodies += [{main: [{key: odd}]} for key in inside for odd in ODD]
    validator = Draft202012Validator(ALL[name].output_schema())

    for body in bodies:
        validator.validate(result(name, body))


# What is sent


def test_a_request_shows_nothing_of_a_person() -> None:
    subtool = ALL["identify_customer"]
    args = subtool.parse({"customer_id": "ada@example.com", "attributes": {"city": "Paris"}})

    shown = repr(request_for(Call(subtool, args, AT)))

    assert "ada" not in shown
    assert "Paris" not in shown
