"""No read shows a hidden attribute, wherever Customer.io's reply holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare.privacy import People, folded, without_hidden
from tests.support.clients import SAVED_US
from tests.support.policies import tool_with

HIDDEN = ("email", "plan")
READS = [
    pytest.param(name, dict(example.arguments), id=f"{name}-{number}")
    for name, subtool in subtools().items()
    if subtool.effect.read_only
    for number, example in enumerate(subtool.examples, start=1)
]
PERSON = "https://api.customer.io/v1/customers/cio_c1/attributes"
ADA = {"id": "u1", "identifiers": {"id": "u1", "email": "ada@example.com", "cio_id": "c1"}}


def values_in(state: Any) -> set[str]:
    """Return the values that people of a workspace have under hidden names."""
    people = [person["attributes"] for person in state["people"]]
    people += [{"email": person["email"]} for person in state["people"]]
    held = {str(person.get(name) or "") for person in people for name in HIDDEN}
    return {value for value in held if value}


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    else:
        yield str(value)


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from names_in(item)


@pytest.mark.parametrize(("name", "arguments"), READS)
def test_no_example_of_a_read_shows_a_hidden_attribute(
    name: str, arguments: dict[str, Any], sandbox: Sandbox
) -> None:
    values = values_in(sandbox.state())
    assert len(values) > 3
    with tool_with(sandbox.connection(), hidden_attributes=HIDDEN) as tool:
        result = tool.call(name, arguments)
    assert result["ok"], result
    texts = [text.casefold() for text in texts_in(result)]
    assert not values & set(texts)
    addresses = {value.casefold() for value in values if "@" in value}
    assert addresses
    assert [text for text in texts if any(address in text for address in addresses)] == []
    asked = set(arguments.get("attribute_names", ()))
    assert not set(HIDDEN) & set(names_in(result))
    assert set(result.get("withheld", ())) == asked & set(HIDDEN)


def shown(customer: dict[str, Any], hidden: list[str]) -> str:
    """Return what a read shows of a person, as JSON."""
    with responses.RequestsMock() as net, tool_with(SAVED_US, hidden_attributes=hidden) as tool:
        net.get(PERSON, json={"customer": customer})
        result = tool.call("get_customer_attributes", {"customer_id": "cio_c1"})
    assert result["ok"]
    return json.dumps(result["customer"], ensure_ascii=False)


@pytest.mark.parametrize(
    "held",
    [
        {"email": "ada@example.com"},
        {"Email ": "ada@example.com"},
        {"home": {"city": {"email": "ada@example.com"}}},
        {"home": [{"email": "ada@example.com"}]},
        {"home": '{"email": "ada@example.com", "city": "Paris"}'},
        {"home": ' [{"who": {"EMAIL": "ada@example.com"}}]'},
        {"home": json.dumps(json.dumps({"email": "ada@example.com"}))},
        {"home": '{"a": {"email": "ada@example.com"}, "a": 1}'},
        {"home": '{"\\u0065mail": "ada@example.com"}'},
        {"home": json.dumps({"inner": json.dumps({"email": "ada@example.com"})})},
        {"home": '{"email": "ada@example.com"}\n{"email": "ada@example.com"}'},
        {"home": '{"email": "ada@example.com",}'},
        {"home": 'seen: {"email": "ada@example.com"}'},
        {"home": '{"email": "ada@example.com", "cut": "of'},
        {"home": '{"\\u0065mail": "ada@example.com",}'},
        {"home": "{'email': 'ada@example.com'}"},
        {"home": '{"e\\u200bmail": "ada@example.com"}'},
        {"home": '{"email": "ada@example.com", "tab": "\t"}'},
        {"home": '{"email": "ada@example.com", "n": ' + "9" * 5000 + "}"},
        {"home": [{"name": "email", "value": "ada@example.com"}]},
        {"home": "email=ada@example.com"},
        {"work": "Ada@Example.com"},
        {"ada@example.com": "home"},
        {"home": json.dumps({"inner": "ada\u0040example.com"})},
        {"home": "[" * 100_000 + '{"email": "ada@example.com"}' + "]" * 100_000},
    ],
)
def test_a_hidden_attribute_goes_at_any_depth_and_inside_json_text(held: dict[str, Any]) -> None:
    left = shown({**ADA, "attributes": {"city": "Paris", **held}}, ["email"])
    assert "ada@example.com" not in left
    assert "Paris" in left


@pytest.mark.parametrize(
    "text", ["{not json}", "[1, 2]", '{"city": "Paris"}', '"quoted"', "{", "[email] me", "{}"]
)
def test_a_text_that_holds_no_hidden_attribute_stays_as_it_is(text: str) -> None:
    left = json.loads(shown({**ADA, "attributes": {"note": text}}, ["email"]))
    assert left["attributes"]["note"] == text


def test_an_identifier_with_the_value_of_a_hidden_one_goes_too() -> None:
    same = {"id": "Ada@example.com", "identifiers": {"id": "Ada@example.com", "cio_id": "c1"}}
    customer = {**same, "attributes": {"email": "ada@example.com", "city": "Paris"}}
    left = shown(customer, ["email"])
    assert "ada@example.com" not in left.lower()
    assert "c1" in left


@pytest.mark.parametrize(
    "customer",
    [
        {"id": "ada@example.com", "attributes": '{"email": "ada@example.com"}'},
        {"id": "ada@example.com", "attributes": {"email": ["ada@example.com"]}},
        {"customer_id": "ada@example.com", "attributes": {"email": "Ada@example.com"}},
        {"id": "a=b@example.com", "customer_id": "a=b@example.com", "email": "a=b@example.com"},
    ],
)
def test_a_hidden_address_is_found_under_other_names(customer: dict[str, Any]) -> None:
    assert "@example.com" not in shown({"identifiers": {"cio_id": "c1"}, **customer}, ["email"])


def test_a_message_shows_a_hidden_address_nowhere() -> None:
    message = {
        "id": "m1",
        "recipient": "ada@example.com",
        "subject": "For ada@example.com, and bob@example.com",
        "failure_message": "550 <Ada@example.com>: unknown",
        "customer_id": "ada@example.com",
        "customer_identifiers": {"id": "ada@example.com", "cio_id": "c1"},
    }
    with responses.RequestsMock() as net, tool_with(SAVED_US, hidden_attributes="email") as tool:
        net.get("https://api.customer.io/v1/messages", json={"messages": [message]})
        (left,) = tool.call("list_messages", {})["messages"]
    assert "ada@example.com" not in json.dumps(left).lower()
    assert left["subject"] == "For ***, and bob@example.com"
    assert left["failure_message"] == "550 <***>: unknown"


def test_a_long_text_is_read_once() -> None:
    reply = {"cio_id": "c1", "email": "ada@example.com", "note": "9a" * 500_000}
    left = without_hidden(reply, People(), frozenset({"email"}))
    assert left == {"cio_id": "c1", "note": reply["note"]}


def test_a_recipient_of_another_kind_is_no_hidden_address() -> None:
    reply = {"messages": [{"recipient": "user-1234567", "customer_id": "user-1234567"}]}
    people = People(renamed={"messages.recipient": ("email", "id")})
    left = without_hidden(reply, people, frozenset({"email"}))
    assert left == {"messages": [{"customer_id": "user-1234567"}]}


def test_json_text_brings_no_invisible_characters_back() -> None:
    held = '{"email": "a@b.co", "note": "e\\u202evi\\u200bl\\ud800\\udb40\\udc41"}'
    left = json.loads(shown({**ADA, "attributes": {"note": held}}, ["email"]))
    assert left["attributes"]["note"] == '{"note":"evil"}'


@pytest.mark.parametrize("wrong", [{"at": "customer"}, {"renamed": {"to": "email"}}])
def test_one_text_where_several_belong_cannot_be_declared(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="tuples"):
        People(**wrong)


def test_a_composed_accent_hides_a_decomposed_one() -> None:
    left = shown({**ADA, "attributes": {"gro\u0308\u00dfe": "42", "x": "1"}}, ["GRÖSSE", "größe"])
    assert "42" not in left


@pytest.mark.parametrize(
    ("reply", "people"),
    [
        ({"members": [{"cio_id": "c1", "email": "ada@example.com"}]}, People()),
        ({"members": [{"email": "ada@example.com"}]}, People(at=("members",))),
        (
            {"page": {"rows": [{"who": {"email": "ada@example.com"}}]}},
            People(at=("page.rows.who",)),
        ),
        ([{"email": "ada@example.com"}], People(at=("",))),
        ({"sent_to": "ada@example.com"}, People(renamed={"sent_to": ("email",)})),
        ({"emails": ["ada@example.com"]}, People(renamed={"emails": ("email",)})),
        ({"who": '{"email": "ada@example.com"}'}, People(at=("who",))),
        ({"page": '{"who": {"email": "ada@example.com"}}'}, People(at=("page.who",))),
        ({"page": '{"sent_to": "ada@example.com"}'}, People(renamed={"page.sent_to": ("email",)})),
        ({"page": '{"cio_id": "c1", "email": "ada@example.com"}'}, People()),
        ({"sent_to": "ada@example.com"}, People(renamed={"sent_to": ("Email",)})),
    ],
)
def test_people_are_found_where_a_declaration_says(reply: Any, people: People) -> None:
    assert "ada@example.com" in json.dumps(reply)
    assert "ada@example.com" not in json.dumps(without_hidden(reply, people, frozenset({"email"})))


def test_members_that_are_not_of_a_person_stay() -> None:
    reply = {"messages": [{"id": "m1", "type": "email", "customer_identifiers": {"id": "u1"}}]}
    people = People(at=("messages.customer_identifiers",))
    left = without_hidden(reply, people, frozenset({"id", "type"}))
    assert left == {"messages": [{"id": "m1", "type": "email", "customer_identifiers": {}}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["email", "EMAIL", " Email"]), st.integers(0, 3))
def test_wherever_it_is_put_it_goes(value: Any, name: str, texts: int) -> None:
    person: Any = {"more": value, "deep": [{name: "canary-value"}]}
    for _ in range(texts):
        person = {"text": json.dumps(person)}
    left = without_hidden({"who": person}, People(at=("who",)), frozenset({folded("email")}))
    assert "canary-value" not in json.dumps(left)


@given(JSON)
def test_nothing_goes_where_nothing_is_hidden(value: Any) -> None:
    assert without_hidden(value, People(at=("",)), frozenset()) == value
