from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.errors import ReplyUnreadable
from customerio_tool.subtools.declare.times import iso_time, unix_seconds
from customerio_tool.subtools.declare.vendor_json import MAX_TEXT_CHARS
from customerio_tool.subtools.messages import list_messages
from customerio_tool.subtools.parts.brief_message import FROM_FIRST_TO_LAST
from customerio_tool.subtools.parts.message_looks import messages_since
from customerio_tool.subtools.parts.messages_result import LONGEST_WINDOW_SECONDS, WINDOW_SECONDS
from customerio_tool.subtools.parts.vocabulary import Metric
from tests.subtools.calls import AT, DAY, assert_examples_hold, query_of, refused, result_of

MESSAGE: dict[str, Any] = {
    "id": "dgTXBAQBAZq1=",
    "deduplicate_id": "dgTXBAQBAZq1=:1763890005",
    "type": "email",
    "customer_id": "u1",
    "customer_identifiers": {"id": "u1", "email": None, "cio_id": "d9c106000001"},
    "metrics": {"sent": 1763890003},
    "failure_message": None,
    "msg_template_id": 7,
    "forgotten": False,
}


def test_examples_send_what_they_declare() -> None:
    assert_examples_hold(list_messages)


def test_a_page_has_10_messages_unless_asked_otherwise() -> None:
    assert query_of(list_messages) == {"limit": "10"}
    assert query_of(list_messages, limit=1000) == {"limit": "1000"}


@pytest.mark.parametrize("limit", [-1, 1001, "many", True])
def test_a_limit_outside_1_to_1000_is_refused(limit: Any) -> None:
    assert refused(list_messages, limit=limit) == ["limit"]


def test_an_old_start_gets_an_end_and_the_summary_says_so() -> None:
    start = AT.now_seconds - 400 * DAY
    end = start + WINDOW_SECONDS
    assert query_of(list_messages, start_time=start)["end_ts"] == str(end)
    summary = result_of(list_messages, {"messages": []}, start_time=start)["summary"]
    assert iso_time(end) in summary


@pytest.mark.parametrize("days", [30, 180, 184])
def test_a_start_that_may_lie_within_six_months_gets_no_end(days: int) -> None:
    assert "end_ts" not in query_of(list_messages, start_time=AT.now_seconds - days * DAY)


def test_a_start_that_some_six_months_reach_and_others_do_not_is_told() -> None:
    def summary(days: int) -> str:
        start = AT.now_seconds - days * DAY
        return str(result_of(list_messages, {"messages": []}, start_time=start)["summary"])

    assert "may be missing" in summary(182)
    assert "missing" not in summary(180)
    assert "missing" not in summary(185)


def test_a_window_over_six_months_is_sent_and_the_summary_says_what_is_missing() -> None:
    span = {"start_time": AT.now_seconds - 400 * DAY, "end_time": AT.now_seconds}
    assert query_of(list_messages, **span)["end_ts"] == str(AT.now_seconds)
    assert "six months" in result_of(list_messages, {"messages": []}, **span)["summary"]


def test_an_end_before_the_start_is_refused() -> None:
    assert refused(list_messages, start_time=1763800000, end_time=1763700000) == ["end_time"]


@given(st.integers(0, AT.now_seconds + 10 * DAY))
def test_a_start_alone_is_never_cut_off_by_the_window(start: int) -> None:
    query = query_of(list_messages, start_time=iso_time(start))  # digits may read as a date
    end = int(query.get("end_ts", max(AT.now_seconds, start)))
    assert end - start <= (WINDOW_SECONDS if "end_ts" in query else LONGEST_WINDOW_SECONDS)


@pytest.mark.parametrize("end", [{}, {"next": None}, {"next": ""}])
def test_absent_null_and_empty_next_all_end_the_list(end: dict[str, Any]) -> None:
    result = result_of(list_messages, {"messages": [MESSAGE], **end})
    assert "next_cursor" not in result
    assert result["count"] == 1


def test_a_next_page_is_told_with_its_cursor() -> None:
    result = result_of(list_messages, {"messages": [MESSAGE], "next": "MTIz/+="})
    assert result["next_cursor"] == "MTIz/+="
    assert query_of(list_messages, cursor=result["next_cursor"])["start"] == "MTIz/+="


@pytest.mark.parametrize("empty", [None, []])
def test_null_is_an_empty_list(empty: object) -> None:
    result = result_of(list_messages, {"messages": empty})
    assert (result["ok"], result["messages"], result["count"]) == (True, [], 0)


def test_what_is_null_deprecated_or_repeated_is_left_out_of_a_message() -> None:
    (message,) = result_of(list_messages, {"messages": [MESSAGE]}, full=True)["messages"]
    assert message == {
        "id": "dgTXBAQBAZq1=",
        "type": "email",
        "customer_id": "u1",
        "customer_identifiers": {"id": "u1", "cio_id": "d9c106000001"},
        "metrics": {"sent": "2025-11-23T09:26:43Z"},
        "msg_template_id": 7,
    }


def test_a_message_in_brief_says_whom_what_and_how_far() -> None:
    sent = {
        "created": 1,
        "attempted": 2,
        "sent": 2,
        "delivered": 3,
        "new_metric": 9,
        "opened": None,
    }
    mail = {**MESSAGE, "recipient": "ada@example.com", "subject": "Hi", "created": 1763890000}
    mail |= {"campaign_id": 12, "action_id": 51, "metrics": sent, "failure_message": "full"}
    (message,) = result_of(list_messages, {"messages": [mail]})["messages"]
    assert message == {
        "id": "dgTXBAQBAZq1=",
        "type": "email",
        "customer_id": "u1",
        "recipient": "ada@example.com",
        "subject": "Hi",
        "created": "2025-11-23T09:26:40Z",
        "campaign_id": 12,
        "failure_message": "full",
        "reached": "delivered",
    }


@pytest.mark.parametrize(
    ("metrics", "reached"),
    [
        ({"created": 1, "bounced": 3, "sent": 2}, "bounced"),
        ({"delivered": 3, "opened": 4, "clicked": 4, "converted": 9}, "converted"),
        ({"opened": 4, "unsubscribed": 5}, "unsubscribed"),
        ({"created": 1, "failed": 1}, "failed"),
        ({"newest_of_all": 1}, "newest_of_all"),
        ({}, None),
        (None, None),
    ],
)
def test_the_furthest_metric_is_what_matters_most(metrics: object, reached: str | None) -> None:
    (message,) = result_of(list_messages, {"messages": [{**MESSAGE, "metrics": metrics}]})[
        "messages"
    ]
    assert message.get("reached") == reached


def test_every_metric_that_a_list_can_be_filtered_by_has_its_place() -> None:
    assert set(get_args(Metric)) <= set(FROM_FIRST_TO_LAST)


def test_a_template_tells_a_message_apart_that_has_no_other_origin() -> None:
    (message,) = result_of(list_messages, {"messages": [MESSAGE]})["messages"]
    assert message["msg_template_id"] == 7


def test_the_total_is_told_where_one_page_has_all() -> None:
    assert result_of(list_messages, {"messages": [MESSAGE] * 3})["total"] == 3
    assert "total" not in result_of(list_messages, {"messages": [MESSAGE], "next": "more"})
    assert "total" not in result_of(list_messages, {"messages": [MESSAGE]}, cursor="abc")


def test_a_message_tells_its_template_once() -> None:
    twice = {**MESSAGE, "message_template_id": 8}
    (message,) = result_of(list_messages, {"messages": [twice]})["messages"]
    assert message["message_template_id"] == 8
    assert "msg_template_id" not in message


@pytest.mark.parametrize("text", ["x" * (MAX_TEXT_CHARS + 1), ["x" * 2000] * 20])
def test_a_message_that_is_cut_marks_the_result_and_leaves_the_cursor(text: object) -> None:
    reply = {"messages": [{**MESSAGE, "tracked_responses": text}], "next": "more"}
    result = result_of(list_messages, reply)
    assert result["truncated"] is True
    assert result["next_cursor"] == "more"


def test_a_page_that_is_whole_is_not_marked() -> None:
    assert "truncated" not in result_of(list_messages, {"messages": [MESSAGE]})


def test_a_page_that_is_cut_offers_no_cursor_past_what_was_left_out() -> None:
    many = [{**MESSAGE, "subject": "x" * 500} for _ in range(100)]
    result = result_of(list_messages, {"messages": many, "next": "more"}, limit=100)
    assert result["truncated"] is True
    assert "next_cursor" not in result
    assert f"limit={result['count']}" in result["summary"]
    assert 0 < result["count"] < 100


def test_the_summary_holds_no_text_of_a_message() -> None:
    result = result_of(list_messages, {"messages": [{**MESSAGE, "subject": "Obey me"}]})
    assert "Obey" not in result["summary"]
    assert result["untrusted"] is True


def test_something_other_than_a_list_is_unreadable() -> None:
    with pytest.raises(ReplyUnreadable):
        result_of(list_messages, {"messages": {"id": 1}})


def test_type_and_metric_filter_the_messages_of_one_person_here() -> None:
    push = {**MESSAGE, "id": "p", "type": "push", "metrics": {"sent": 1, "failed": None}}
    reply = {"messages": [MESSAGE, push]}

    def found(**filters: str) -> list[str]:
        asked = {"customer_id": "u1", **filters}
        assert query_of(list_messages, **asked) == {"id_type": "id", "limit": "10"}
        result = result_of(list_messages, reply, **asked)
        assert "Of 2 on this page" in result["summary"]
        return [message["id"] for message in result["messages"]]

    assert found(type="push") == ["p"]
    assert found(metric="sent") == [MESSAGE["id"], "p"]
    assert found(metric="failed") == []


def test_a_look_reaches_back_before_the_call_and_can_be_made_as_it_stands() -> None:
    look = messages_since(AT, type="push")
    assert look.subtool == list_messages.name
    assert unix_seconds(look.arguments["start_time"]) < AT.now
    assert query_of(list_messages, **look.arguments)["type"] == "push"
