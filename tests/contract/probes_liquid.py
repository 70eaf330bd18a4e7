"""Probes of the facts on Liquid: how the texts of messages become what is sent."""

from __future__ import annotations

from typing import Any

from tests.contract.probes import shows
from tests.contract.probes_sends import deliveries, mail, trigger
from tests.support.sandbox_api import Api

LINKS = "{% unsubscribe_url %} {% view_in_browser_url %} {% manage_subscription_preferences_url %}"


def sent(api: Api, body: str, **fields: Any) -> dict[str, Any]:
    """The delivery of a mail with this body to Margaret, who has no city."""
    assert mail(api, body=body, **fields).status_code == 200
    return deliveries(api)[-1]


def text(api: Api, body: str, **fields: Any) -> str:
    return str(sent(api, body, **fields)["content"]["body"])


@shows("liquid-places")
def _(api: Api) -> bool:
    texts = dict.fromkeys(
        ("body", "body_plain", "preheader", "from", "reply_to"), "{{customer.id}}"
    )
    template = {"name": "all", "content": {"subject": "S {{customer.id}}", **texts}}
    api.sandbox.seed({"templates": [template]})
    mail(api, transactional_message_id="all")
    found = deliveries(api)[-1]
    return found["subject"] == "S u6" and all(found["content"][name] == "u6" for name in texts)


@shows("liquid-values")
def _(api: Api) -> bool:
    told = text(api, "{{customer.first_name}} {{trigger.a.b}}", message_data={"a": {"b": 1}})
    campaign = {"id": 90, "name": "E", "event_name": "bought"}
    action = {"id": 91, "subject": "{{event.item}}", "body": "{{event_name}} {{customer.id}}"}
    api.sandbox.seed({"campaigns": [{**campaign, "actions": [action]}]})
    api.event("u1", "bought", data={"item": "hat"})
    of_event = deliveries(api)[-1]
    trigger(api, ids=["u1"], data={"month": "May"})
    return (
        told,
        of_event["subject"],
        of_event["content"]["body"],
        deliveries(api)[-1]["subject"],
    ) == (
        "Margaret 1",
        "hat",
        "bought u1",
        "News for May",
    )


@shows("liquid-meta")
def _(api: Api) -> bool:
    found = sent(api, "{{campaign.type}} {{message.subject}} {{delivery_id}}")
    return bool(found["content"]["body"] == f"transactional_message Your receipt {found['id']}")


@shows("liquid-failure")
def _(api: Api) -> bool:
    found = sent(api, "{% if %}")
    return bool(found["failure_message"]) and sorted(found["metrics"]) == ["created", "failed"]


@shows("liquid-missing")
def _(api: Api) -> bool:
    failed = "failed" in sent(api, "{{customer.city}}")["metrics"]
    asked = "{% if customer.city %}1{% endif %}{{customer.city | default: 'none'}}"
    return failed and text(api, asked) == "none"


@shows("liquid-words")
def _(api: Api) -> bool:
    found = sent(api, "{{customer.city}}")
    return "Variable 'customer.city' is missing" in found["failure_message"]


@shows("liquid-namespace")
def _(api: Api) -> bool:
    return text(api, "<{{event.city}}>") == "<>"


@shows("liquid-blank")
def _(api: Api) -> bool:
    data = {"null": None, "no": False, "empty": "", "full": "x"}
    asked = "{{% if trigger.{0} == blank %}}{0} {{% endif %}}"
    body = "".join(asked.format(name) for name in ("missing", *data))
    return text(api, body, message_data=data) == "missing null no empty "


@shows("liquid-filters")
def _(api: Api) -> bool:
    body = (
        "{{ 1234567.896 | currency: 'en', 'EUR' }} {{ 10000 | format_number }} "
        "{{ 1483272000 | date: '%H:%M, %a, %b %d, %Y' }} {{ 0 | date: '%H:%M', -480 }} "
        "{{ 'cool.person@example.com' | url_encode }} {{ 3 | pluralize: 'item', 'items' }}"
    )
    return text(api, body) == (
        "€1,234,567.90 10,000 12:00, Sun, Jan 01, 2017 08:00 cool.person%40example.com 3 items"
    )


@shows("liquid-tags")
def _(api: Api) -> bool:
    links = text(api, LINKS).split()
    return len({*links}) == 3 and all(each.startswith("https://") for each in links)


@shows("liquid-version")
def _(api: Api) -> bool:
    return text(api, "{{ nil | default: 'latest' }}") == "latest"


@shows("liquid-escaping")
def _(api: Api) -> bool:
    return text(api, "{{trigger.a}}", message_data={"a": "<b>&"}) == "<b>&"
