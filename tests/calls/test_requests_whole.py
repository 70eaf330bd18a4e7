"""What a call sends, whole: each member of its requests, as a host is shown them."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.telemetry.events import Attempt
from customerio_tool.calls.call import Call, Exchange
from customerio_tool.calls.request import json_bytes
from customerio_tool.connection.exchange import Request
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Api, Invocation, Pace
from tests.support.answers import session_with
from tests.support.clients import EMAIL, SAVED_US, AnyPace
from tests.support.telemetry import NOW
from tests.support.whole import result_of, still

ULID = "01KARA427M0000000000000000"
ANSWER = {"segment": {"id": 7}, "count": 3, "messages": [], "customer": {}, "segments": []}


def shown_of(name: str, arguments: Any, answer: Any = ANSWER, status: int = 200) -> list[Exchange]:
    """Return what a host is shown of a call."""
    shown: list[Exchange] = []
    with CustomerIoTool(
        SAVED_US,
        policy="open",
        session=session_with(answer, status),
        backends=Backends(limiter=AnyPace()),
        clock=still(),
    ) as tool:
        tool.call(name, arguments, context=CallContext(on_exchange=shown.append))
    return shown


def sent_by(name: str, arguments: Any) -> list[Request]:
    return [each.request for each in shown_of(name, arguments)]


def test_what_changes_people_is_sent_to_the_track_api_and_may_be_repeated() -> None:
    paid = {"customer_id": "a/b+c@d ü", "name": "paid", "data": {"total": 7.5, "é": None}}
    assert sent_by("track_event", paid) == [
        Request(
            Api.TRACK,
            "POST",
            "/api/v1/customers/a%2Fb%2Bc%40d%20%C3%BC/events",
            query="",
            body=f'{{"name":"paid","id":"{ULID}","timestamp":1763900000,'
            '"data":{"total":7.5,"é":null}}'.encode(),
            pace=Pace.TRACK,
            template="/api/v1/customers/{customer_id}/events",
            repeats=True,
        )
    ]
    assert sent_by("delete_device", {"customer_id": "u1", "device_id": "t/1"}) == [
        Request(
            Api.TRACK,
            "DELETE",
            "/api/v1/customers/u1/devices/t%2F1",
            body=None,
            pace=Pace.TRACK,
            template="/api/v1/customers/{customer_id}/devices/{device_id}",
            repeats=True,
        )
    ]
    assert sent_by("add_to_segment", {"segment_id": 7, "customer_ids": ["u1", "u/2"]}) == [
        Request(
            Api.TRACK,
            "POST",
            "/api/v1/segments/7/add_customers",
            query="id_type=id",
            body=b'{"ids":["u1","u/2"]}',
            pace=Pace.TRACK,
            template="/api/v1/segments/{segment_id}/add_customers",
            repeats=True,
        )
    ]


def test_what_must_not_happen_twice_may_not_be_repeated() -> None:
    mail = b'{"to":"ada@example.com","transactional_message_id":1,"identifiers":{"id":"u1"}}'
    assert sent_by("send_transactional_email", EMAIL) == [
        Request(
            Api.APP,
            "POST",
            "/v1/send/email",
            body=mail,
            pace=Pace.SEND,
            template="/v1/send/email",
            repeats=False,
        )
    ]
    many = {"broadcast_id": 30, "audience": "emails", "emails": ["a@b.io"], "ignore_missing": True}
    assert sent_by("trigger_broadcast", many) == [
        Request(
            Api.APP,
            "POST",
            "/v1/campaigns/30/triggers",
            body=b'{"emails":["a@b.io"],"email_ignore_missing":true}',
            pace=Pace.BROADCAST,
            template="/v1/campaigns/{broadcast_id}/triggers",
            repeats=False,
        )
    ]


def test_what_a_write_was_answered_with_is_told() -> None:
    name, sent = "send_transactional_email", {"delivery_id": "d7", "queued_at": 1763900000}
    result = result_of(name, sent)
    assert (result["ok"], result["outcome"], result["delivery_id"]) == (True, "accepted", "d7")
    created = {"segment": {"id": 4, "name": "Beta", "created_at": int(NOW)}}
    assert result_of("create_manual_segment", created)["segment_id"] == 4


def test_a_read_has_a_query_of_what_was_given_and_no_body() -> None:
    chosen = {"cursor": "A&b=c d", "limit": 3, "campaign_id": 7, "drafts": True}
    messages = "/v1/messages"
    assert sent_by("list_messages", chosen) == [
        Request(
            Api.APP,
            "GET",
            messages,
            query="drafts=true&campaign_id=7&limit=3&start=A%26b%3Dc%20d",
            pace=Pace.APP,
            template=messages,
            repeats=True,
        )
    ]
    assert [each.target for each in sent_by("list_messages", {**chosen, "drafts": False})] == [
        "/v1/messages?drafts=false&campaign_id=7&limit=3&start=A%26b%3Dc%20d"
    ]
    person = {"customer_id": "ada+x@example.com"}
    assert sent_by("get_customer_attributes", person) == [
        Request(
            Api.APP,
            "GET",
            "/v1/customers/ada%2Bx%40example.com/attributes",
            query="id_type=email",
            pace=Pace.APP,
            template="/v1/customers/{customer_id}/attributes",
            repeats=True,
        )
    ]


def test_a_value_in_other_words_is_told_as_it_was_read() -> None:
    arguments = {"customer_id": "u1", "device_id": "d7", "platform": "iPhone"}
    plain = {**arguments, "platform": "ios"}
    policies: list[dict[str, Any]] = [{}, {"dry_run": True}]
    for policy in policies:
        told = result_of("add_device", {}, arguments=arguments, **policy)
        meant = result_of("add_device", {}, arguments=plain, **policy)
        assert told == {**meant, "summary": f"{meant['summary']} platform was read as 'ios'."}
        assert ("request" in told) is bool(policy)


def test_a_period_ends_with_the_time_of_the_call() -> None:
    (metrics,) = sent_by("get_campaign_metrics", {"campaign_id": 7})
    assert metrics.query == (
        "version=2&res=days&start=1760068800&end=1763900000&tz=America%2FNew_York"
    )


def test_a_body_holds_no_number_that_json_has_not() -> None:
    assert json_bytes({"a": [1.5, "ü"]}) == '{"a":[1.5,"ü"]}'.encode()
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            json_bytes({"a": number})


def test_a_second_read_is_made_where_it_is_asked_for_and_tried_once() -> None:
    segment = Request(
        Api.APP,
        "GET",
        "/v1/segments/7",
        pace=Pace.APP,
        template="/v1/segments/{segment_id}",
        repeats=True,
    )
    count = Request(
        Api.APP,
        "GET",
        "/v1/segments/7/customer_count",
        query="",
        body=None,
        pace=Pace.APP,
        template="/v1/segments/{segment_id}/customer_count",
        repeats=False,
    )
    assert sent_by("get_segment", {"segment_id": 7}) == [segment]
    assert sent_by("get_segment", {"segment_id": 7, "include_count": True}) == [segment, count]


def test_a_second_read_has_its_own_query() -> None:
    with CustomerIoTool(
        SAVED_US,
        policy={"lookups": True},
        session=session_with({"id": 5, "status": "done", "errors": []}),
        backends=Backends(limiter=AnyPace()),
        clock=still(),
    ) as tool:
        shown: list[Exchange] = []
        asked = {"broadcast_id": 30, "trigger_id": 5, "cursor": "C d"}
        tool.call("get_broadcast_trigger", asked, context=CallContext(on_exchange=shown.append))
    assert [each.request.target for each in shown] == [
        "/v1/campaigns/30/triggers/5",
        "/v1/campaigns/30/triggers/5/errors?start=C%20d&limit=42",
    ]


def test_a_host_is_shown_each_reply_and_what_watchers_are_told() -> None:
    (shown,) = shown_of("list_segments", {}, {"segments": []}, 201)
    assert shown.reply is not None
    assert (shown.reply.status, shown.reply.body) == (201, b'{"segments": []}')
    assert shown.attempt == Attempt(
        number=1,
        method="GET",
        template="/v1/segments",
        origin="https://api.customer.io",
        status=201,
        fate="answered",
        started_at=NOW,
        seconds=0.0,
    )
    assert "segments" not in repr(shown).replace("/v1/segments", "")


def test_a_time_that_is_past_by_now_is_refused_with_the_call_that_is_meant() -> None:
    name, past = "send_transactional_email", {**EMAIL, "send_at": int(NOW) - 5}
    result = result_of(name, arguments=past)
    assert result["error"]["code"] == "arguments_invalid"
    assert result["error"]["try"] == EMAIL
    unsure = {**past, "send_at": int(NOW) + 365 * 86_400}
    assert "try" not in result_of(name, arguments=unsure)["error"]
    assert result_of(name, {}, arguments={**EMAIL, "send_at": int(NOW) + 60})["ok"]


# The context of a call, and the call itself


NO_TEXT = "run_id is not a text; give the host's name for the run, or None."
NO_NUMBER = "deadline_seconds is not a number; give seconds, or None."


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"run_id": 7}, TypeError, NO_TEXT),
        ({"run_id": b"r"}, TypeError, NO_TEXT),
        ({"deadline_seconds": True}, TypeError, NO_NUMBER),
        ({"deadline_seconds": "9"}, TypeError, NO_NUMBER),
        (
            {"deadline_seconds": float("nan")},
            ValueError,
            "deadline_seconds is NaN; give seconds, or None.",
        ),
    ],
)
def test_a_context_of_a_wrong_type_is_refused_at_once(
    given: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as refused:
        CallContext(**given)
    assert str(refused.value) == words


def test_a_context_that_says_nothing_has_these_defaults() -> None:
    context = CallContext()
    assert (context.run_id, context.deadline_seconds, context.door) == (None, None, "python")
    assert (context.on_progress, context.cancelled, context.on_exchange) == (None, None, None)
    assert [CallContext(run_id=each).run_id for each in (None, "", " \u200b", "r", " r ")] == [
        *(None, None, None),
        *("r", " r "),
    ]
    for seconds in (0, -1, 1.5, 10**9, float("inf")):
        assert CallContext(deadline_seconds=seconds).deadline_seconds == seconds
    assert not context.is_cancelled()
    context.report("Nobody listens.")


def raises(*_: Any) -> Any:
    raise RuntimeError("of the host")


def test_a_host_that_raises_stops_no_call_but_one_that_it_would_cancel() -> None:
    told: list[str] = []
    CallContext(on_progress=told.append).report("It waits.")
    CallContext(on_progress=raises).report("It waits.")
    assert told == ["It waits."]
    answers = [CallContext(cancelled=each).is_cancelled() for each in (raises, bool, lambda: True)]
    assert answers == [True, False, True]
    assert [type(each) for each in answers] == [bool, bool, bool]
    with CustomerIoTool(
        SAVED_US, session=session_with({"segments": []}), backends=Backends(limiter=AnyPace())
    ) as tool:
        assert tool.call("list_segments", context=CallContext(on_exchange=raises))["ok"]
        refused = tool.call("list_segments", context=CallContext(cancelled=raises))
    assert refused["error"]["code"] == "cancelled"


def test_equal_calls_have_one_canonical_form_in_plain_ascii() -> None:
    at = Invocation(now=NOW, workspace="w", ulid=ULID)
    event = subtools()["track_event"]

    def form(**data: Any) -> bytes:
        given = {"customer_id": "ü", "name": "paid", "data": data}
        call: Call[Any] = Call(event, event.parse(given), at)
        assert call.arguments() == given
        assert "paid" not in repr(call)
        return call.canonical

    assert form(b=1, a=2) == form(a=2, b=1)
    assert form(b=1, a=2) == (
        b'["track_event",{"customer_id":"\\u00fc","data":{"a":2,"b":1},"name":"paid"}]'
    )
