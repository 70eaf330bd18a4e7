"""What is no e-mail address goes nowhere, wherever an address stands; what can be read is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.errors import ArgumentsInvalid, ConnectionInvalid
from customerio_tool.policy.policy import Policy
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare.placeholders import is_placeholder
from tests.subtools.test_address_form import ADDRESSES, SPOILERS
from tests.support.sandbox_api import Api

WRONG = {
    "a semicolon at the end": "ada@example.com;",
    "two addresses": "ada@example.com;bob@example.com",
    "parentheses": "(ada@example.com)",
    "square brackets": "[ada@example.com]",
    "quotation marks": "'ada@example.com'",
    "backticks": "`ada@example.com`",
    "typographic quotation marks": "\u201cada@example.com\u201d",
    "a dot at the beginning": ".ada@example.com",
    "a dot before the @": "ada.@example.com",
    "two dots before the @": "ada..byron@example.com",
    "two dots in the domain": "ada@example..com",
    "a dot after the @": "ada@.example.com",
    "a dot at the end": "ada@example.com.",
    "a hyphen after the @": "ada@-example.com",
    "a hyphen at the end of a part": "ada@example-.com",
    "an underscore in the domain": "ada@my_host.example.com",
    "an IP address": "ada@192.0.2.7",
    "an address literal": "ada@[192.0.2.7]",
    "a quoted local part": '"ada byron"@example.com',
    "two @": "ada@@example.com",
    "an @ on either side": "ada@bob@example.com",
    "a space inside": "ada byron@example.com",
    "a zero-width space": "ada\u200b@example.com",
    "a zero-width space in the domain": "ada@exam\u200bple.com",
    "a soft hyphen": "ada@exam\u00adple.com",
    "a no-break space": "ada\u00a0@example.com",
    "a mark of direction": "ada@example.com\u202e",
    "a byte order mark": "\ufeffada@example.com",
    "a tag character": "ada@example.com\U000e0041",
    "a blank of Braille": "ada\u2800@example.com",
    "a full-width domain": "ada@\uff45xample.com",
    "a link": "mailto:ada@example.com",
    "a query": "ada@example.com?subject=hi",
    "a path": "ada@example.com/inbox",
    "a port": "ada@example.com:25",
    "a long local part": "a" * 65 + "@example.com",
    "a long part of the domain": "ada@" + "e" * 64 + ".com",
    "a long domain": "ada@" + "e.".join(["x" * 50] * 6) + ".com",
}
RIGHT = (
    *("ada@example.com", "ada+test@example.com", "a.b.c@sub.example.co.uk", "o'neil@example.com"),
    *(
        "zoë@example.com",
        "ada@bücher.example",
        "用户@例子.公司",
        "x@xn--bcher-kva.example",
        "1@2.co",
    ),
    *("!#$%&'*+-/=?^_`{|}~@example.com", "a" * 64 + "@example.com", "ADA@EXAMPLE.COM"),
)

EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
BROADCAST = {"broadcast_id": 30, "idempotency_key": "once"}
EVENT = {"customer_id": "u1", "name": "paid"}
VISIT = {"customer_id": "u1", "url": "https://example.com"}
VISITOR = {"anonymous_id": "v1", "name": "paid"}
FULL = {"subject": "Hi", "body": "Hi", "from_address": "shop@example.com"}
PATHS = (
    *("identify_customer", "delete_customer", "suppress_customer", "unsuppress_customer"),
    *("get_customer_attributes", "list_messages"),
)

Place = tuple[str, Callable[[Any], dict[str, Any]], str]
LISTS: list[Place] = [
    ("send_transactional_email", lambda text: {**EMAIL, "to": text}, "to"),
    ("send_transactional_email", lambda text: {**EMAIL, "cc": text}, "cc"),
    ("send_transactional_email", lambda text: {**EMAIL, "bcc": text}, "bcc"),
    ("track_event", lambda text: {**EVENT, "data": {"recipient": text}}, "data.recipient"),
    ("track_event", lambda text: {**EVENT, "data": {" Recipient": text}}, "data. Recipient"),
    ("track_page_view", lambda text: {**VISIT, "data": {"recipient": text}}, "data.recipient"),
]
NAMED: list[Place] = [
    ("send_transactional_email", lambda text: {**EMAIL, "from_address": text}, "from_address"),
    ("send_transactional_email", lambda text: {**EMAIL, "reply_to": text}, "reply_to"),
    ("track_event", lambda text: {**EVENT, "data": {"from_address": text}}, "data.from_address"),
    ("track_event", lambda text: {**EVENT, "data": {"reply_to": text}}, "data.reply_to"),
    ("track_anonymous_event", lambda t: {**VISITOR, "data": {"reply_to": t}}, "data.reply_to"),
]
BARE: list[Place] = [
    ("identify_customer", lambda text: {"customer_id": "u1", "email": text}, "email"),
    (
        "identify_customer",
        lambda text: {"customer_id": "u1", "attributes": {"email": text}},
        "attributes.email",
    ),
    ("track_anonymous_event", lambda text: {"name": "invited", "recipient": text}, "recipient"),
    (
        "trigger_broadcast",
        lambda text: {**BROADCAST, "audience": "emails", "emails": ["bob@example.com", text]},
        "emails[1]",
    ),
    (
        "trigger_broadcast",
        lambda text: {**BROADCAST, "audience": "per_user_data", "per_user_data": [{"email": text}]},
        "per_user_data[0].email",
    ),
    (
        "send_transactional_push",
        lambda text: {"customer_id": text, "id_type": "email", "transactional_message_id": "2"},
        "customer_id",
    ),
]
PEOPLE: list[Place] = [
    *((name, lambda text: {"customer_id": text}, "customer_id") for name in PATHS),
    ("track_event", lambda text: {**EVENT, "customer_id": text}, "customer_id"),
    ("send_transactional_email", lambda text: {**EMAIL, "customer_id": text}, "customer_id"),
    ("merge_customers", lambda text: {"primary_id": text, "secondary_id": "u2"}, "primary_id"),
    ("merge_customers", lambda text: {"primary_id": "u2", "secondary_id": text}, "secondary_id"),
    (
        "add_to_segment",
        lambda text: {"segment_id": 7, "customer_ids": [text]},
        "customer_ids[0]",
    ),
    (
        "trigger_broadcast",
        lambda text: {**BROADCAST, "audience": "customer_ids", "customer_ids": [text]},
        "customer_ids[0]",
    ),
]


def in_header(name: str) -> Place:
    return (
        "send_transactional_email",
        lambda text: {**EMAIL, "headers": {name: text}},
        f"headers.{name}",
    )


HEADERS = [
    in_header(name)
    for name in ("Errors-To", "Disposition-Notification-To", "X-MC-BccAddress", "X-Cc")
]

ids = [f"{name} {path}" for name, _, path in (*LISTS, *NAMED, *BARE, *PEOPLE)]
each_place = pytest.mark.parametrize("place", [*LISTS, *NAMED, *BARE, *PEOPLE], ids=ids)


@pytest.fixture(scope="module")
def tool() -> Iterator[CustomerIoTool]:
    with CustomerIoTool.sandbox() as tool:
        yield tool


def refusals(tool: CustomerIoTool, place: Place, text: Any) -> list[str]:
    """Return the fields that a call is refused for before anything is sent; none if it is not."""
    name, arguments, _ = place
    assert tool.local
    before = len(tool.local.requests())
    result = tool.call(name, arguments(text))
    sent = len(tool.local.requests()) - before
    if result["ok"] or result["error"]["code"] != "arguments_invalid":
        assert sent
        return []
    assert not sent
    assert "ada" not in result["summary"].replace("ada@example.com", "")
    return [field["path"] for field in result["error"]["fields"]]


@each_place
def test_what_is_no_address_is_refused_wherever_one_stands(
    tool: CustomerIoTool, place: Place
) -> None:
    found = {what: refusals(tool, place, text) for what, text in WRONG.items()}
    assert found == {what: [place[2]] for what in WRONG}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*NAMED[2:], *BARE]),
    ADDRESSES.filter(lambda text: not is_placeholder(text, "email")),  # such as %{}@example.com
    SPOILERS,
    st.data(),
)
def test_one_wrong_character_spoils_an_address_wherever_it_stands(
    place: Place, text: str, spoiler: str, data: st.DataObject
) -> None:
    name, arguments, path = place
    at = data.draw(st.integers(1, len(text) - 1))
    assert subtools()[name].parse(arguments(text))
    with pytest.raises(ArgumentsInvalid) as refused:
        subtools()[name].parse(arguments(text[:at] + spoiler + text[at:]))
    assert [field.path for field in refused.value.fields] == [path]


@each_place
def test_an_address_is_taken_wherever_one_stands(place: Place) -> None:
    name, arguments, _ = place
    for text in RIGHT:
        args = subtools()[name].parse(arguments(text))
        assert json.dumps(text)[1:-1] in json.dumps(args.model_dump(mode="json"))


@pytest.mark.parametrize("place", HEADERS, ids=[path for _, _, path in HEADERS])
@pytest.mark.parametrize("text", ["ada@example.com;", "(ada@example.com)", "ada@example..com"])
def test_what_is_no_address_is_refused_in_a_header_that_holds_one(
    tool: CustomerIoTool, place: Place, text: str
) -> None:
    assert refusals(tool, place, text) == [place[2]]


@pytest.mark.parametrize("name", ["In-Reply-To", "References", "X-Order", "List-Unsubscribe"])
def test_other_headers_may_hold_what_looks_like_an_address(name: str) -> None:
    text = "<CAF4=x7@mail>, <mailto:out@example.com?subject=x>"
    args = subtools()["send_transactional_email"].parse({**EMAIL, "headers": {name: text}})
    assert args.headers == {name: text}


@pytest.mark.parametrize("place", [*LISTS, *NAMED], ids=ids[: len(LISTS) + len(NAMED)])
@pytest.mark.parametrize(
    "name", ["Ada <{}>", '"Byron, Ada" <{}>', "<{}>", "\u0939\u094d\u200d\u0930 <{}>"]
)
def test_a_display_name_stays_as_it_is(place: Place, name: str) -> None:
    subtool, arguments, _ = place
    text = name.format("ada@example.com")
    args = subtools()[subtool].parse(arguments(text))
    assert json.dumps(text)[1:-1] in json.dumps(args.model_dump(mode="json"))


@pytest.mark.parametrize("name", ["Ada (;) <{};>", "Ada\u202e <{}>", "<{}> Ada", "Ada <<{}>>"])
def test_a_display_name_hides_no_fault(tool: CustomerIoTool, name: str) -> None:
    assert refusals(tool, LISTS[0], name.format("ada@example.com")) == ["to"]


@pytest.mark.parametrize(
    "written",
    [
        '["ada@example.com", "Bob <bob@example.com>"]',
        "['ada@example.com', 'Bob <bob@example.com>']",
        "('ada@example.com', \"Bob <bob@example.com>\",)",
        '\n[\n "ada@example.com",\n "Bob <bob@example.com>"\n]\n',
        "ada@example.com, Bob <bob@example.com>,",
    ],
)
@pytest.mark.parametrize("place", LISTS, ids=ids[: len(LISTS)])
def test_a_list_in_text_is_read_as_the_list(
    tool: CustomerIoTool, place: Place, written: str
) -> None:
    name, arguments, path = place
    args = subtools()[name].parse(arguments(written)).model_dump()
    *inside, member = path.split(".")
    held = args[inside[0]] if inside else args
    assert held[member] == "ada@example.com, Bob <bob@example.com>"


@pytest.mark.parametrize("written", ["['ada@example.com']", '["ada@example.com"]'])
@pytest.mark.parametrize("place", [*NAMED, *BARE[:5]], ids=ids[len(LISTS) :][: len(NAMED) + 5])
def test_a_list_of_one_in_text_is_that_address(place: Place, written: str) -> None:
    name, arguments, _ = place
    args = subtools()[name].parse(arguments(written)).model_dump(mode="json")
    assert args == subtools()[name].parse(arguments("ada@example.com")).model_dump(mode="json")


@pytest.mark.parametrize("place", [*NAMED, *BARE[:3]], ids=ids[len(LISTS) :][: len(NAMED) + 3])
def test_a_list_of_two_in_text_is_not_one_address(tool: CustomerIoTool, place: Place) -> None:
    assert refusals(tool, place, "['ada@example.com', 'bob@example.com']") == [place[2]]


@pytest.mark.parametrize(
    ("name", "others", "argument"),
    [
        ("trigger_broadcast", {**BROADCAST, "audience": "emails"}, "emails"),
        ("trigger_broadcast", {**BROADCAST, "audience": "customer_ids"}, "customer_ids"),
        ("add_to_segment", {"segment_id": 7}, "customer_ids"),
    ],
)
def test_a_list_that_python_shows_is_the_list(
    name: str, others: dict[str, Any], argument: str
) -> None:
    people = ["ada@example.com", "o'neil@example.com"]
    args = subtools()[name].parse({**others, argument: repr(people)})
    assert getattr(args, argument) == people


@pytest.mark.parametrize(
    "text",
    ["[ada@example.com]", "['ada@example.com'", "['a' 'b'; 'c']", "[__import__('os')]", "[]", "()"],
)
def test_a_text_that_only_begins_like_a_list_is_refused(tool: CustomerIoTool, text: str) -> None:
    assert refusals(tool, LISTS[0], text) == ["to"]


@pytest.mark.parametrize(
    "text",
    ["[" + "'\\'" * 200_000, "[" + "1" * 200_000 + "x", "['" + "@a" * 200_000, "[" * 200_000],
)
def test_a_long_text_that_is_no_list_is_refused_at_once(tool: CustomerIoTool, text: str) -> None:
    assert refusals(tool, LISTS[0], text) == ["to"]
    assert refusals(tool, PEOPLE[0], f"a@{text}.com") == ["customer_id"]


def test_a_message_to_a_list_in_text_is_the_message_to_the_same_people() -> None:
    with CustomerIoTool.sandbox() as tool:
        outcomes = [
            tool.call("send_transactional_email", {**EMAIL, "to": to})["outcome"]
            for to in (
                "ada@example.com, zo\u00eb@example.com",
                "['zoe\u0308@example.com', 'Ada <ada@EXAMPLE.com>']",
                "zo\u00eb@example.com,ada@example.com,",
            )
        ]
    assert outcomes == ["accepted", "already_sent", "already_sent"]


def test_an_allow_list_reads_a_list_in_text() -> None:
    with CustomerIoTool.sandbox(policy={"allowed_recipients": ["@example.com"]}) as tool:
        inside = {**EMAIL, "to": "['ada@example.com', 'bob@example.com']"}
        outside = {**EMAIL, "to": "['ada@example.com', 'eve@evil.example']"}
        assert tool.call("send_transactional_email", inside)["ok"]
        refused = tool.call("send_transactional_email", outside)
    assert refused["error"]["code"] == "policy_refused"
    assert [field["path"] for field in refused["error"]["fields"]] == ["to[1]"]


@pytest.mark.parametrize(
    "entry",
    [
        "ada@example..com",
        ".ada@example.com",
        "@-example.com",
        "example..com",
        "ada\u200b@example.com",
    ],
)
def test_an_allow_list_has_no_entry_that_is_no_address(entry: str) -> None:
    with pytest.raises(ConnectionInvalid):
        Policy.load({"allowed_recipients": [entry]})


@pytest.mark.parametrize("value", [["ada@example.com"], {"email": "ada@example.com"}, 7, True])
def test_what_redirects_a_message_is_text(tool: CustomerIoTool, value: Any) -> None:
    assert refusals(tool, LISTS[3], value) == ["data.recipient"]


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_redirects_nothing(value: Any) -> None:
    data = {"recipient": value, "from_address": value}
    assert subtools()["track_event"].parse({**EVENT, "data": data}).data == data


@settings(max_examples=100, deadline=None)
@given(st.one_of(ADDRESSES, st.sampled_from(list(WRONG.values()))))
def test_tool_and_local_customer_io_agree_what_an_address_is(
    tool: CustomerIoTool, text: str
) -> None:
    assert tool.local
    message = {"transactional_message_id": 1, "identifiers": {"id": "u1"}, "to": text}
    taken = Api(tool.local).app("POST", "/v1/send/email", message).status_code == 200
    args = {**EMAIL, "to": text}
    assert taken is (refusal(args) is None)


def refusal(arguments: dict[str, Any]) -> ArgumentsInvalid | None:
    try:
        subtools()["send_transactional_email"].parse(arguments)
    except ArgumentsInvalid as refused:
        return refused
    return None
