"""Templates become what their recipients read, with the data of the send, trigger or event."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import serve
from tests.support.sandbox_api import Api

MAIL = {
    "to": "ada@example.com",
    "from": "shop@example.com",
    "subject": "Hello {{customer.first_name}}",
    "body": "<p>{{trigger.item}}</p>",
    "identifiers": {"id": "u1"},
    "message_data": {"item": "hat", "price": 12.0, "tags": ["a", "b"]},
}
FAILS = "Liquid cannot be rendered: the delivery fails"
ACTION = {"id": 91, "subject": "{{event.item}}", "body": "{{event_name}} to {{customer.id}}"}


@pytest.fixture(scope="module")
def used() -> Iterator[Api]:
    """A local Customer.io for many examples."""
    yield from serve()


def last(api: Api) -> dict[str, Any]:
    delivery: dict[str, Any] = api.sandbox.state()["deliveries"][-1]
    return delivery


def send(api: Api, **fields: Any) -> dict[str, Any]:
    """Send an e-mail, which must be accepted; returns its delivery."""
    answer = api.app("POST", "/v1/send/email", {**MAIL, **fields})
    assert answer.status_code == 200, answer.text
    assert answer.json()["delivery_id"] == last(api)["id"]
    return last(api)


def test_the_content_of_a_request_is_rendered(api: Api) -> None:
    delivery = send(api, body_plain="{{trigger.price}}", preheader="{{message.subject}}!")
    assert delivery["subject"] == "Hello Ada"
    content = delivery["content"]
    assert (content["body"], content["body_plain"]) == ("<p>hat</p>", "12")
    assert content["preheader"] == "Hello Ada!"
    assert delivery["source"]["body"] == MAIL["body"], "the template is kept beside it"
    assert content["message_data"] == MAIL["message_data"], "and the data used"
    assert api.get(f"/v1/messages/{delivery['id']}")["message"]["subject"] == "Hello Ada"


def test_a_stored_template_is_rendered_with_its_sender(api: Api) -> None:
    content = {
        "subject": "{{campaign.name}}",
        "body": "{{campaign.type}}",
        "from": "{{trigger.shop}}@example.com",
        "reply_to": "{{customer.email}}",
    }
    api.sandbox.seed({"templates": [{"name": "of the shop", "content": content}]})
    answer = {"transactional_message_id": "of the shop", "message_data": {"shop": "hats"}}
    body = {"to": "ada@example.com", "identifiers": {"id": "u1"}, **answer}
    assert api.app("POST", "/v1/send/email", body).status_code == 200
    delivery = last(api)
    assert (delivery["subject"], delivery["content"]["body"]) == (
        "of the shop",
        "transactional_message",
    )
    assert delivery["content"]["from"] == "hats@example.com"
    assert delivery["content"]["reply_to"] == "ada+test@example.com"


def test_a_push_is_rendered_with_its_link_and_custom_data(api: Api) -> None:
    push = {
        "transactional_message_id": "order_shipped",
        "identifiers": {"id": "u1"},
        "title": "Order {{trigger.order}}",
        "link": "app://orders/{{trigger.order | url_encode}}",
        "custom_data": {"order": {"number": "{{trigger.order}}"}, "kind": 1},
        "message_data": {"order": "A 1"},
    }
    assert api.app("POST", "/v1/send/push", push).status_code == 200
    delivery = last(api)
    assert (delivery["subject"], delivery["content"]["title"]) == ("Order A 1", "Order A 1")
    assert delivery["content"]["message"] == "Order A 1 has left us"
    assert delivery["content"]["link"] == "app://orders/A+1"
    assert delivery["content"]["custom_data"] == {"order": {"number": "A 1"}, "kind": 1}


def test_a_campaign_is_rendered_with_its_event(api: Api) -> None:
    campaign = {"id": 90, "name": "Bought", "event_name": "bought", "actions": [ACTION]}
    api.sandbox.seed({"campaigns": [campaign]})
    api.event("u1", "bought", data={"item": "hat"})
    assert last(api)["subject"] == "hat"
    assert last(api)["content"]["body"] == "bought to u1"


def test_each_recipient_of_a_broadcast_reads_their_own_data(api: Api) -> None:
    action = {"id": 92, "subject": "{{trigger.code}}", "body": "{{trigger.month}}"}
    everybody = {"attribute": {"field": "email", "operator": "exists"}}
    broadcast = {"id": 93, "name": "Codes", "default_recipients": everybody, "actions": [action]}
    api.sandbox.seed({"broadcasts": [broadcast]})
    own = [{"id": "u1", "data": {"code": "A"}}, {"id": "u3", "data": {"code": "B"}}, {"id": "u6"}]
    body = {"per_user_data": own, "data": {"month": "May"}}
    assert api.app("POST", "/v1/campaigns/93/triggers", body).status_code == 200
    first, second, third = api.sandbox.state()["deliveries"][-3:]
    assert [first["subject"], second["subject"]] == ["A", "B"]
    assert first["content"]["body"] == "May"
    assert third["failure_message"] == "no address for email", "Margaret has none"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"body": "{{customer.city}}"}, "body: Variable 'customer.city' is missing"),
        ({"subject": "{{trigger.a.b}}"}, "subject: Variable 'trigger.a.b' is missing"),
        ({"subject": "{{trigger.x | default: ' '}}"}, "subject: it can not be blank"),
        ({"body": "{% coyotes %}"}, "body: Unknown tag 'coyotes'"),
        ({"body": "{{ 1 | howl }}"}, "body: Unknown filter 'howl'"),
        ({"body": "{% countdown point:64 %}"}, "body: the sandbox has no tag 'countdown'"),
        ({"body_plain": "{{ a"}, "body_plain: Variable '{{ a' was not properly terminated with }}"),
        ({"body": "{% for i in (1..100000000) %}{% endfor %}"}, "of more than 10,000 numbers"),
        ({"body": "{{snippets.footer}}"}, "body: Variable 'snippets.footer' is missing"),
    ],
)
def test_what_cannot_be_rendered_fails_the_delivery_and_says_why(
    api: Api, fields: dict[str, str], reason: str
) -> None:
    delivery = send(api, **fields)
    assert reason in delivery["failure_message"]
    assert sorted(delivery["metrics"]) == ["created", "failed"]
    [(name, text)] = fields.items()
    stored = {"subject": delivery["subject"], **delivery["content"]}
    assert stored[name] == text, "it stays a template"
    assert delivery["source"] == {}
    shown = api.get("/v1/messages", metric="failed")["messages"][0]
    assert (shown["id"], shown["failure_message"]) == (delivery["id"], delivery["failure_message"])
    assert api.sandbox.requests()[0]["reason"] == FAILS
    activity = api.sandbox.state()["activity"][-1]
    assert (activity["reason"], activity["subject"]) == (FAILS, delivery["failure_message"])


def test_a_message_that_fails_anyway_is_not_rendered(api: Api) -> None:
    api.accept("POST", "/api/v1/customers/u1/suppress")
    delivery = send(api, body="{{customer.city}}")
    assert delivery["failure_message"] == "suppressed"
    assert delivery["content"]["body"] == "{{customer.city}}"


def test_a_text_without_liquid_stays_as_it_is(api: Api) -> None:
    body = "{ a } % } {# no comment #} 100% {"
    delivery = send(api, subject="S", body=body)
    assert (delivery["content"]["body"], delivery["source"]) == (body, {})


@pytest.mark.parametrize("api_with", [{"missing_attribute": "blank"}], indirect=True)
def test_a_missing_attribute_can_be_blank(api_with: Api) -> None:
    assert send(api_with, body="<{{customer.city}}>")["content"]["body"] == "<>"


@pytest.mark.parametrize("api_with", [{"missing_namespace": "fail"}], indirect=True)
def test_a_missing_root_can_fail(api_with: Api) -> None:
    delivery = send(api_with, body="{{event.city}}")
    assert delivery["failure_message"] == "body: Variable 'event.city' is missing"


def test_a_date_is_read_from_the_sandboxs_clock(api: Api) -> None:
    assert send(api, body="{{'now' | date: '%F %R'}}")["content"]["body"] == "2027-01-15 08:00"


def test_the_same_delivery_draws_the_same_numbers() -> None:
    bodies = []
    for _ in range(2):
        for api in serve():
            text = "{% random 1000 %} {% generate_uuid %} {{ 1000 | random }}"
            bodies.append(send(api, body=text)["content"]["body"])
    assert bodies[0] == bodies[1]
    assert len({*bodies[0].split()}) == 3


def nested(levels: int) -> Any:
    value: Any = "{{customer.id}}"
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(("levels", "fails"), [(50, False), (450, True)])
def test_custom_data_that_is_nested_deeply_breaks_no_request(
    api: Api, levels: int, *, fails: bool
) -> None:
    push = {"transactional_message_id": "order_shipped", "identifiers": {"id": "u1"}}
    answer = api.app("POST", "/v1/send/push", {**push, "custom_data": nested(levels)})
    assert answer.status_code == 200
    assert ("nested more than" in (last(api)["failure_message"] or "")) is fails


MARKED = st.lists(st.sampled_from(["{{", "}}", "{%", "%}", "raw", "customer.id"]) | st.text())


@settings(max_examples=40)
@given(body=MARKED.map(" ".join), data=st.dictionaries(st.text(), st.text()))
def test_any_body_is_accepted_and_sent_or_fails_for_a_reason(
    used: Api, body: str, data: dict[str, str]
) -> None:
    delivery = send(used, body=f"<p>{body}", message_data={**data, "item": body})
    ends = "failed" if delivery["failure_message"] else "sent"
    assert ends in delivery["metrics"]


def test_without_the_library_a_template_is_sent_as_it_is_and_said_so(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "liquid", None)
    delivery = send(api)
    assert delivery["content"]["body"] == MAIL["body"]
    assert "sent" in delivery["metrics"]
    assert api.quiet() == ["Liquid is not rendered: install customerio-tool[sandbox]"]
    send(api, subject="S", body="B")
    assert len(api.quiet()) == 1, "a text without Liquid needs no library"
