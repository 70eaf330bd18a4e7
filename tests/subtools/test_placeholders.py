"""What stands for no identifier is refused wherever an identifier is read, in any spelling."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.errors import FieldProblem
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare.placeholders import ASK, is_placeholder
from tests.subtools.calls import refusal_of

WORDS = (
    *("null", "nil", "none", "undefined", "NaN", "n/a", "N.A.", "OMIT", "[object Object]", "None"),
    *("not provided", "unknown", "TBD", "placeholder", "00000000-0000-0000-0000-000000000000"),
)
TEMPLATES = (
    *("{{customer.id}}", "${id}", "u-{{id}}-1", "order-${order.id}", "<%= id %>", "{% id %}"),
    *("{id}", "{}", "<>", '""', "''", "[]", "{{}}", "[[id]]", "#{id}", "$(id)", "{0}", "%{id}"),
    *("<customer id>", "[YOUR ID]", "<uuid>", "<class 'str'>", "<Person object at 0x7f3a>"),
    *("your_customer_id", "YOUR-ID", "yourEventId", "insert id", "customer_id_here", "some_id"),
    *("customer_id", "customerId", "CUSTOMER ID", "event_id", "idempotencyKey", "id", "uuid"),
    *(
        "...",
        "…",
        "-",
        "--",
        "???",
        "xxx",
        "null null",
        "undefined-undefined",
        "\uff2eull",
        "nu\u200bll",
        "nullptr",
        "DBNull",
        "void",
        "Optional(nil)",
        "Some(None)",
        "Nothing",
        "std::nullopt",
        "nul",
        "void 0",
        "[Object: null prototype] {}",
        "Promise { <pending> }",
        "cio_null",
        "cio_undefined",
        "~",
        "%s",
        "%(id)s",
        "#REF!",
        "#N/A",
        "string",
        "blank",
        "REPLACE_ME",
        "changeme",
        "FIXME",
        "my_customer_id",
        "&lt;nil&gt;",
        "&#60;customer_id&#62;",
        "%3Cnil%3E",
        "%7B%7Bid%7D%7D",
        "\\u003cnil\\u003e",
    ),
)
REAL = (
    *(
        "nullable-7",
        "undefined_user_12",
        "u1",
        "none-42",
        "nancy",
        "omitted@example.com",
        "nilsson",
        "stringer",
        "the-void-17",
        "AT&T",
        "100%",
        "a%2Fb",
    ),
    *("null-7", "user_undefined", "Nil Armstrong", "nan-1", "an unknown soldier", "n", "a", "x"),
    *(
        "<CAF4=x7@mail.example.com>",
        "[7]",
        "{7b1f-22}",
        "#7",
        "%",
        "/",
        "cio_d9c106000001",
        "Ω",
        "cio_nila",
    ),
    *("your-sister-42", "id-7", "00000000-0000-0000-0000-000000000001", "用户7", "+15551234567"),
    *("0", "-1", "a_null_b", "order_receipt", "here", "my-key", "the_name"),
)

AROUND = "<>[](){}\"'`\u201c\u201d\u2018\u2019«»_*. \t\n\u200b"

EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "3"}
PUSH = {"customer_id": "u1", "transactional_message_id": "3"}
SENDS: dict[str, dict[str, Any]] = {
    "send_transactional_email": EMAIL,
    "send_transactional_push": PUSH,
    "trigger_broadcast": {"broadcast_id": 30, "audience": "default"},
}
REQUIRED: dict[str, tuple[str, dict[str, Any]]] = {
    "primary_id": ("merge_customers", {"secondary_id": "u2"}),
    "secondary_id": ("merge_customers", {"primary_id": "u1"}),
    "device_id": ("delete_device", {"customer_id": "u1"}),
    "transactional_message_id": ("send_transactional_push", {"customer_id": "u1"}),
}
OPTIONAL: list[tuple[str, str, dict[str, Any]]] = [
    ("event_id", "track_event", {"customer_id": "u1", "name": "paid"}),
    ("event_id", "track_page_view", {"customer_id": "u1", "url": "https://example.com"}),
    ("event_id", "track_anonymous_event", {"anonymous_id": "v1", "name": "paid"}),
    ("anonymous_id", "track_anonymous_event", {"name": "paid"}),
    ("anonymous_id", "identify_customer", {"customer_id": "u1"}),
    ("email", "identify_customer", {"customer_id": "u1"}),
    ("transactional_message_id", "send_transactional_email", EMAIL),
    ("to", "send_transactional_push", PUSH),
    ("cursor", "list_messages", {}),
    *(("idempotency_key", name, call) for name, call in SENDS.items()),
]


def problem_of(subtool: str, call: dict[str, Any]) -> FieldProblem:
    (problem,) = refusal_of(subtools()[subtool], **call).fields
    return problem


def assert_refused(subtool: str, call: dict[str, Any], path: str, fix: str) -> None:
    problem = problem_of(subtool, call)
    assert (problem.path, problem.problem) == (path, "is a placeholder and no identifier")
    assert problem.fix == fix


PLACEHOLDERS = [*WORDS, *TEMPLATES]


@pytest.mark.parametrize(
    "name", [name for name, one in subtools().items() if one.args.model_fields.get("customer_id")]
)
def test_a_person_is_no_placeholder(name: str) -> None:
    field = subtools()[name].args.model_fields["customer_id"]
    others = {key: value for key, value in call_of(name).items() if key != "customer_id"}
    fix = f"send the real one{ASK}" if field.is_required() else "leave it out"
    for text in PLACEHOLDERS:
        assert_refused(name, {**others, "customer_id": text}, "customer_id", fix)


def call_of(name: str) -> dict[str, Any]:
    return dict(subtools()[name].examples[0].arguments)


@pytest.mark.parametrize("argument", REQUIRED)
def test_a_required_identifier_is_asked_for(argument: str) -> None:
    name, others = REQUIRED[argument]
    for text in PLACEHOLDERS:
        assert_refused(name, {**others, argument: text}, argument, f"send the real one{ASK}")


@pytest.mark.parametrize(("argument", "name", "call"), OPTIONAL)
def test_an_optional_identifier_is_left_out(argument: str, name: str, call: dict[str, Any]) -> None:
    for text in PLACEHOLDERS:
        assert_refused(name, {**call, argument: text}, argument, "leave it out")


def people(**one: Any) -> dict[str, Any]:
    return {"broadcast_id": 30, "audience": "per_user_data", "per_user_data": [{"id": "u1"}, one]}


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_an_identifier_inside_an_argument_is_no_placeholder(text: str) -> None:
    real = f"send the real one{ASK}"
    ids = {"segment_id": 1, "customer_ids": ["u1", text]}
    for name in ("add_to_segment", "remove_from_segment"):
        assert_refused(name, ids, "customer_ids[1]", real)
    triggered = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1", text]}
    assert_refused("trigger_broadcast", triggered, "customer_ids[1]", real)
    emails = {"broadcast_id": 30, "audience": "emails", "emails": ["ada@example.com", text]}
    assert_refused("trigger_broadcast", emails, "emails[1]", real)
    for kind in ("id", "email"):
        where = f"per_user_data[1].{kind}"
        assert_refused("trigger_broadcast", people(**{kind: text}), where, real)
    related: Any = {"object_type_id": "1", "object_id": text}
    call: dict[str, Any] = {"customer_id": "u1", "relationships": [related]}
    assert_refused("identify_customer", call, "relationships[0].object_id", real)
    device = {**PUSH, "custom_device": {"token": text, "platform": "ios"}}
    assert_refused("send_transactional_push", device, "custom_device.token", real)
    for name in ("id", "email", "anonymous_id"):
        call = {"customer_id": "u1", "attributes": {name: text}}
        assert_refused("identify_customer", call, f"attributes.{name}", "leave it out")


@given(
    st.sampled_from(WORDS),
    st.lists(st.booleans(), min_size=40, max_size=40),
    st.text(AROUND, max_size=4),
    st.text(AROUND, max_size=4),
    st.sampled_from(OPTIONAL),
)
def test_neither_case_nor_what_is_round_a_placeholder_matters(
    word: str,
    upper: list[bool],
    before: str,
    after: str,
    place: tuple[str, str, dict[str, Any]],
) -> None:
    cased = "".join(
        one.upper() if up else one.lower() for one, up in zip(word, upper, strict=False)
    )
    argument, name, call = place
    assert_refused(name, {**call, argument: f"{before}{cased}{after}"}, argument, "leave it out")


@pytest.mark.parametrize("text", REAL)
def test_what_only_contains_such_a_word_is_an_identifier(text: str) -> None:
    assert not is_placeholder(text)
    track_event = subtools()["track_event"]
    call = {"customer_id": "u1", "name": "paid", "event_id": text}
    assert track_event.parse(call).model_dump()["event_id"] == text


@given(st.sampled_from(WORDS), st.from_regex(r"[-_]?[0-9]{1,9}[a-z]?", fullmatch=True))
def test_a_number_makes_an_identifier_of_any_of_them(word: str, number: str) -> None:
    if word.isalpha():
        assert not is_placeholder(f"{word}{number}")
        assert not is_placeholder(f"{number}{word}")


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_free_text_may_be_any_of_them(text: str) -> None:
    free = {"subject": text, "body": text, "message_data": {"a": text}}
    assert subtools()["send_transactional_email"].parse({**EMAIL, **free})
    attributes = {"customer_id": "u1", "attributes": {"plan": text, "note": text}}
    assert subtools()["identify_customer"].parse(attributes)
