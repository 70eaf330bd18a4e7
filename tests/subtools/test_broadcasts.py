from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import error_for
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Reply
from customerio_tool.errors import ArgumentsInvalid, NotFound, OutcomeUnknown, RequestRejected
from customerio_tool.subtools.broadcasts import trigger_broadcast
from customerio_tool.subtools.messages import list_messages
from customerio_tool.subtools.parts.audiences import MAX_AUDIENCE
from tests.subtools.calls import (
    AT,
    assert_examples_hold,
    body_of,
    query_of,
    refusal_of,
    refused,
    result_of,
)

SEGMENT = {"segment": {"id": 7}}
EVERY_AUDIENCE: dict[str, dict[str, Any]] = {
    "default": {},
    "customer_ids": {"customer_ids": ["u1"]},
    "emails": {"emails": ["ada@example.com"]},
    "filter": {"filter": SEGMENT},
    "per_user_data": {"per_user_data": [{"id": "u1"}]},
    "file": {"data_file_url": "https://files.example.com/people.jsonl"},
}
PAIRS = [(a, b) for a in EVERY_AUDIENCE for b in EVERY_AUDIENCE if a != b and b != "default"]


def sent(**arguments: Any) -> Any:
    return body_of(trigger_broadcast, broadcast_id=9, **arguments)


def refusals(**arguments: Any) -> list[str]:
    return refused(trigger_broadcast, broadcast_id=9, **arguments)


def filter_refused(value: Any) -> list[str]:
    return refusals(audience="filter", filter=value)


def test_examples_send_what_they_declare() -> None:
    assert_examples_hold(trigger_broadcast)


def test_the_audience_is_never_guessed() -> None:
    assert refusals(customer_ids=["u1"]) == ["audience"]


@pytest.mark.parametrize("audience", EVERY_AUDIENCE)
def test_each_audience_sends_at_most_one_audience_key(audience: str) -> None:
    body = sent(audience=audience, **EVERY_AUDIENCE[audience])
    assert len(body) == (0 if audience == "default" else 1)


@pytest.mark.parametrize(("audience", "other"), PAIRS)
def test_the_argument_of_another_audience_is_refused_by_name(audience: str, other: str) -> None:
    extra = EVERY_AUDIENCE[other]
    assert refusals(audience=audience, **EVERY_AUDIENCE[audience], **extra) == list(extra)


@pytest.mark.parametrize("audience", [name for name in EVERY_AUDIENCE if name != "default"])
def test_an_audience_without_its_argument_is_refused_by_name(audience: str) -> None:
    assert refusals(audience=audience) == list(EVERY_AUDIENCE[audience])


def test_every_wrong_argument_is_named_at_once() -> None:
    wrong = {"customer_ids": ["u1"], "add_duplicates": True}
    assert refusals(audience="emails", **wrong) == ["customer_ids", "emails"]
    assert refusals(audience="filter", **wrong) == ["customer_ids", "filter", "add_duplicates"]


@pytest.mark.parametrize("name", ["customer_ids", "emails", "per_user_data"])
def test_an_empty_list_is_refused(name: str) -> None:
    assert refusals(audience=name, **{name: []}) == [name]


def test_up_to_10000_people_fit_and_no_more() -> None:
    ids = [f"u{number}" for number in range(MAX_AUDIENCE + 1)]
    assert len(sent(audience="customer_ids", customer_ids=ids[:-1])["ids"]) == MAX_AUDIENCE
    assert refusals(audience="customer_ids", customer_ids=ids) == ["customer_ids"]


def test_repeated_people_are_sent_once_and_the_result_says_so() -> None:
    arguments = {"broadcast_id": 9, "audience": "customer_ids", "customer_ids": ["b", "a", "b"]}
    assert body_of(trigger_broadcast, **arguments) == {"ids": ["b", "a"]}
    summary = result_of(trigger_broadcast, {"id": 4}, **arguments)["summary"]
    assert "2 people given (1 repeated left out)" in summary


def test_the_summary_counts_people_and_names_none() -> None:
    arguments = {"audience": "per_user_data", "per_user_data": [{"email": "ada@example.com"}]}
    summary = result_of(trigger_broadcast, {"id": 4}, broadcast_id=9, **arguments)["summary"]
    assert "one person" in summary
    assert "ada" not in summary


def test_repeated_addresses_keep_their_first_spelling_and_place() -> None:
    emails = ["Ada@example.com", "zoë@example.com", "ada@example.com"]
    assert sent(audience="emails", emails=emails) == {"emails": emails[:2]}


def test_what_is_no_address_is_refused_by_its_index() -> None:
    assert refusals(audience="emails", emails=["ada@example.com", "u1"]) == ["emails[1]"]


@pytest.mark.parametrize(
    ("audience", "flags"),
    [
        ("customer_ids", {"id_ignore_missing"}),
        ("emails", {"email_ignore_missing"}),
        ("per_user_data", {"id_ignore_missing", "email_ignore_missing"}),
        ("file", {"id_ignore_missing", "email_ignore_missing"}),
    ],
)
def test_ignore_missing_becomes_the_flags_of_its_audience(audience: str, flags: set[str]) -> None:
    for value in (True, False):
        body = sent(audience=audience, ignore_missing=value, **EVERY_AUDIENCE[audience])
        assert {name: body[name] for name in body if "ignore" in name} == dict.fromkeys(
            flags, value
        )


@pytest.mark.parametrize("audience", ["default", "filter"])
def test_ignore_missing_is_refused_where_nobody_is_named(audience: str) -> None:
    companion = EVERY_AUDIENCE[audience]
    assert refusals(audience=audience, ignore_missing=True, **companion) == ["ignore_missing"]
    assert "ignore_missing" not in str(sent(audience=audience, ignore_missing=False, **companion))


@pytest.mark.parametrize("audience", EVERY_AUDIENCE)
def test_add_duplicates_goes_with_addresses_only(audience: str) -> None:
    arguments = {"audience": audience, "add_duplicates": True, **EVERY_AUDIENCE[audience]}
    if audience in ("emails", "per_user_data", "file"):
        assert sent(**arguments)["email_add_duplicates"] is True
    else:
        assert refusals(**arguments) == ["add_duplicates"]


def test_filters_nest_and_numbers_in_them_are_sent_as_customer_io_types_them() -> None:
    plan = {"attribute": {"field": "plan", "operator": "exists"}}
    age = {"attribute": {"field": "age", "operator": "eq", "value": 42}}
    value = {"or": [{"and": [{"segment": {"id": "7"}}, {"not": plan}]}, age]}
    age_sent = {"attribute": {"field": "age", "operator": "eq", "value": "42"}}
    assert sent(audience="filter", filter=value) == {
        "recipients": {"or": [{"and": [SEGMENT, {"not": plan}]}, age_sent]}
    }


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({}, "filter"),
        ({"and": [SEGMENT], "or": [SEGMENT]}, "filter"),
        ({"xor": [SEGMENT]}, "filter.xor"),
        ({"and": []}, "filter.and"),
        ({"and": SEGMENT}, "filter.and"),
        ({"not": [SEGMENT]}, "filter.not"),
        ({"or": [SEGMENT, {"not": {}}]}, "filter.or[1].not"),
        ({"segment": 7}, "filter.segment"),
        ({"segment": {"id": 0}}, "filter.segment.id"),
        ({"segment": {"id": True}}, "filter.segment.id"),
        ({"segment": {"id": 2**31}}, "filter.segment.id"),
        ({"attribute": {"field": "", "operator": "exists"}}, "filter.attribute.field"),
        ({"attribute": {"field": "a", "operator": "gt", "value": 1}}, "filter.attribute.operator"),
        ({"attribute": {"field": "a", "operator": "eq"}}, "filter.attribute.value"),
        ({"attribute": {"field": "a", "operator": "eq", "value": []}}, "filter.attribute.value"),
        (
            {"attribute": {"field": "a", "operator": "exists", "value": False}},
            "filter.attribute.value",
        ),
        ({"attribute": {"field": "a", "op": "eq"}}, "filter.attribute"),
    ],
)
def test_a_wrong_filter_is_refused_at_its_part(value: Any, path: str) -> None:
    assert filter_refused(value) == [path]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "segment", "attribute", "id", "field", "x"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["and", "not", "segment", "attribute"]), JSON, max_size=2))
def test_any_object_is_either_sent_as_a_filter_or_refused_inside_filter(value: Any) -> None:
    try:
        args = trigger_broadcast.parse({"broadcast_id": 9, "audience": "filter", "filter": value})
    except ArgumentsInvalid:
        assert all(path.startswith("filter") for path in filter_refused(value))
    else:
        body = request_for(Call(trigger_broadcast, args, AT)).body
        assert list(json.loads(body or b"")["recipients"]) == list(value)


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({}, "per_user_data[1]"),
        ({"id": "u1", "email": "ada@example.com"}, "per_user_data[1]"),
        ({"id": "u1", "name": "Ada"}, "per_user_data[1]"),
        ({"id": " "}, "per_user_data[1].id"),
        ({"email": "ada"}, "per_user_data[1].email"),
        ({"id": "u1", "data": "x"}, "per_user_data[1].data"),
    ],
)
def test_a_wrong_person_is_refused_by_its_index(item: Any, path: str) -> None:
    assert refusals(audience="per_user_data", per_user_data=[{"id": 5}, item]) == [path]


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example.com/a",
        "ftp://files.example.com/a",
        "files.example.com/a",
        "https:///a",
        "https://localhost/a",
        "https://localhost./a",
        "https://intranet/a",
        "https://db.internal/a",
        "https://printer.local/a",
        "https://10.0.0.1/a",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/a",
        "https://[::1]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://2130706433/a",
        "https://0x7f.0.0.1/a",
        "https://127.0.0.0x1/a",
        "https://127.1/a",
        "https://%6cocalhost/a",
        "https://\uff11\uff12\uff17.0.0.1/a",
        "https://files.example.\u212aom/a",
        "https://user:secret@files.example.com/a",
        "https://@files.example.com/a",
        "https://files.example.com\\@localhost/a",
        "https://files.example.com:port/a",
        "https://files.example.com/a b",
        "https://[files.example.com/a",
    ],
)
def test_a_file_must_lie_on_a_public_host(url: str) -> None:
    error = refusal_of(trigger_broadcast, broadcast_id=9, audience="file", data_file_url=url)
    assert [problem.path for problem in error.fields] == ["data_file_url"]
    assert "secret" not in error.summary


@pytest.mark.parametrize(
    "url", ["https://files.example.com:8443/a.jsonl?x=1", "https://xn--zrich-kva.example/a"]
)
def test_a_file_on_a_public_host_is_taken(url: str) -> None:
    assert sent(audience="file", data_file_url=url) == {"data_file_url": url}


def test_data_of_50000_bytes_fits_and_no_more() -> None:
    fits = {"a": "x" * (50_000 - len('{"a":""}'))}
    assert sent(audience="default", data=fits)["data"] == fits
    assert refusals(audience="default", data={"a": fits["a"] + "x"}) == ["data"]


def test_a_call_over_25_mb_is_refused() -> None:
    people = [{"id": f"u{number}", "data": {"x": "y" * 30_000}} for number in range(900)]
    assert refusals(audience="per_user_data", per_user_data=people) == ["per_user_data"]


def test_the_trigger_is_told_as_accepted_with_its_number() -> None:
    result = result_of(trigger_broadcast, {"id": 4}, broadcast_id=9, audience="default")
    assert (result["ok"], result["outcome"], result["trigger_id"]) == (True, "accepted", 4)
    assert query_of_look(result["verify"])


@pytest.mark.parametrize("reply", [b"", b"<html>", {}, {"id": None}, {"id": "4"}, {"id": True}])
def test_a_2xx_without_a_number_is_accepted_all_the_same(reply: Any) -> None:
    result = result_of(trigger_broadcast, reply, broadcast_id=9, audience="default")
    assert (result["ok"], result["outcome"], result["trigger_id"]) == (True, "accepted", None)


def test_a_failure_after_sending_is_unknown_and_says_where_to_look() -> None:
    args = trigger_broadcast.parse({"broadcast_id": 9, "audience": "default"})
    error = error_for(Call(trigger_broadcast, args, AT), Reply(502, {}, b""))
    assert isinstance(error, OutcomeUnknown)
    assert error.look is not None
    assert query_of_look(error.look.as_json())


def query_of_look(look: dict[str, Any]) -> dict[str, str]:
    assert look["subtool"] == "list_messages"
    return query_of(list_messages, **look["arguments"])


def test_an_unknown_broadcast_is_answered_with_where_ids_are() -> None:
    args = trigger_broadcast.parse({"broadcast_id": 9, "audience": "default"})
    error = error_for(Call(trigger_broadcast, args, AT), Reply(404, {}, b"{}"))
    assert isinstance(error, NotFound)
    assert "API-triggered" in error.summary


def test_a_refused_audience_is_answered_with_what_one_unknown_person_does() -> None:
    call = {"broadcast_id": 9, "audience": "customer_ids", "customer_ids": ["u1"]}
    args = trigger_broadcast.parse(call)
    error = error_for(Call(trigger_broadcast, args, AT), Reply(422, {}, b"{}"))
    assert isinstance(error, RequestRejected)
    assert "ignore_missing" in error.summary
