"""Probes of the facts on sends and broadcasts, and on what is read of them."""

from __future__ import annotations

from typing import Any

import requests

from tests.contract.probes import person_path, shows
from tests.support.loopback import Loopback, answer, says
from tests.support.sandbox_api import NOW, Api

DAY = 86_400
MAIL = {"to": "peggy@example.com", "transactional_message_id": "receipt"}


def deliveries(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.sandbox.state()["deliveries"]
    return found


def mail(api: Api, person: str = "u6", **fields: Any) -> requests.Response:
    return api.app("POST", "/v1/send/email", {**MAIL, "identifiers": {"id": person}, **fields})


def trigger(api: Api, number: int = 30, **body: Any) -> requests.Response:
    """A trigger, after the interval in which there may be none."""
    api.sandbox.clock.advance(10)
    return api.app("POST", f"/v1/campaigns/{number}/triggers", body)


def listed(api: Api, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/v1/messages", limit=1000, **query)["messages"]
    return found


@shows("send-no-dedup")
def _(api: Api) -> bool:
    return bool(mail(api).json()["delivery_id"] != mail(api).json()["delivery_id"])


@shows("send-unknown-person")
def _(api: Api) -> bool:
    return mail(api, "nobody").status_code == 200 and api.person("nobody") is not None


@shows("send-suppressed")
def _(api: Api) -> bool:
    api.accept("POST", person_path("u6", "/suppress"))
    sent = mail(api).status_code
    push = {"transactional_message_id": "order_shipped", "identifiers": {"id": "u6"}}
    pushed = api.app("POST", "/v1/send/push", push).status_code
    ends = [sorted(each["metrics"]) for each in deliveries(api)[-2:]]
    return (sent, pushed) == (200, 200) and ends == [["created", "dropped"]] * 2


@shows("send-several-identifiers")
def _(api: Api) -> bool:
    both = {"id": "u6", "email": "zoë@example.com"}
    return mail(api, identifiers=both).status_code == 400


@shows("send-words")
def _(api: Api) -> bool:
    entity = "Request entity must be JSON encoded and not exceed 2048 KB."
    large: dict[str, Any] = {"attachments": {"a.txt": "QUFB" * 525_000}}
    bearer = {"Authorization": f"Bearer {api.sandbox.app_api_key}"}
    unread, text = api.raw("POST", "/v1/send/email", b"{", bearer)
    told = [
        (mail(api, **large), entity),
        (mail(api, transactional_message_id="none"), '"transactional_message_id" not found.'),
    ]
    words = all(
        (each.status_code, each.json()["meta"]["error"]) == (400, said) for each, said in told
    )
    return words and unread == 400 and entity in text.decode()


@shows("send-unknown-template")
def _(api: Api) -> bool:
    return mail(api, transactional_message_id="unknown").status_code == 400


@shows("send-unsubscribed")
def _(api: Api) -> bool:
    mail(api, "u5")
    mail(api, "u5", send_to_unsubscribed=False)
    reached, spared = (each["metrics"] for each in deliveries(api)[-2:])
    return "sent" in reached and "sent" not in spared


@shows("send-draft")
def _(api: Api) -> bool:
    draft = mail(api, queue_draft=True).json()["delivery_id"]
    found = [draft in [m["id"] for m in listed(api, drafts=drafts)] for drafts in ("true", "false")]
    return found == [True, False]


@shows("address-form")
def _(api: Api) -> bool:
    wrong = ("peggy@example.com;", "(peggy@example.com)", ".peggy@example.com", "peggy@-x.com")
    return [mail(api, to=text).status_code for text in wrong] == [400] * len(wrong)


@shows("send-without-template")
def _(api: Api) -> bool:
    whole = {"subject": "s", "body": "b"}
    told = [mail(api, transactional_message_id=None, **whole).status_code]
    for name in ("subject", "body"):
        rest = {key: text for key, text in whole.items() if key != name}
        told.append(mail(api, transactional_message_id=None, **rest).status_code)
    return told == [200, 400, 400]


@shows("send-without-sender")
def _(api: Api) -> bool:
    return mail(api, transactional_message_id=None, subject="s", body="b").status_code == 200


@shows("state-unread")
def _(api: Api) -> bool:
    trigger(api)
    path = "/v1/broadcasts/30/messages"
    every = api.get(path)["messages"]
    return bool(every) and api.get(path, state="draft")["messages"] == every


@shows("messages-node-filters")
def _(api: Api) -> bool:
    mail(api, transactional_message_id=1)
    trigger(api)
    own = [listed(api, transactional_id=1), listed(api, campaign_id=30, trigger_id=1)]
    template = own[1][0]["message_template_id"]
    own.append(listed(api, template_id=template))
    others = [listed(api, transactional_id=99), listed(api, campaign_id=30, trigger_id=99)]
    others += [listed(api, template_id=99), listed(api, content_id=1)]
    return all(own) and not any(others)


@shows("metrics-version")
def _(api: Api) -> bool:
    path = "/v1/campaigns/12/metrics"
    first = api.get(path, version="1")["metric"]["series"].keys()
    second = api.get(path, version="2", res="days")["metric"]["series"].keys()
    apart = {"human_opened", "human_clicked", "prefetch_opened", "prefetch_clicked"}
    return bool(second - first == apart)


@shows("broadcast-one-audience")
def _(api: Api) -> bool:
    audiences: list[dict[str, Any]] = [
        {},
        {"ids": ["u1"]},
        {"emails": ["zoë@example.com"]},
        {"per_user_data": [{"id": "u1"}]},
        {"recipients": {"segment": {"id": 1}}},
    ]
    return {trigger(api, **audience).status_code for audience in audiences} == {200}


@shows("broadcast-two-audiences")
def _(api: Api) -> bool:
    return trigger(api, ids=["u1"], emails=["zoë@example.com"]).status_code == 422


@shows("broadcast-missing-person")
def _(api: Api) -> bool:
    before = len(deliveries(api))
    refused = trigger(api, ids=["u1", "nobody"]).status_code
    unsent = len(deliveries(api)) == before
    taken = trigger(api, ids=["u1", "nobody"], id_ignore_missing=True).status_code
    return (refused, unsent, taken) == (422, True, 200) and len(deliveries(api)) == before + 1


@shows("broadcast-flags")
def _(api: Api) -> bool:
    strangers: list[dict[str, Any]] = [
        {"ids": ["u1"], "email_ignore_missing": True},
        {"ids": ["u1"], "email_add_duplicates": True},
        {"emails": ["zoë@example.com"], "id_ignore_missing": True},
        {"recipients": {"segment": {"id": 1}}, "id_ignore_missing": True},
        {"id_ignore_missing": True},
    ]
    return {trigger(api, **body).status_code for body in strangers} == {422}


@shows("broadcast-empty-filter")
def _(api: Api) -> bool:
    return trigger(api, recipients={}).status_code == 422


@shows("broadcast-failed-number")
def _(api: Api) -> bool:
    detail = trigger(api, ids=["nobody"]).json()["errors"][0]["detail"]
    number = api.get("/v1/broadcasts/30/triggers")["triggers"][0]["id"]
    errors = api.get(f"/v1/campaigns/30/triggers/{number}/errors")["errors"]
    return str(number) in detail and all(isinstance(each, str) for each in errors) and bool(errors)


@shows("file-words")
def _(api: Api) -> bool:
    with Loopback([says(answer(b"", status=b"403 Forbidden"))]) as files:
        trigger(api, data_file_url=f"{files.url}/people.jsonl")
    number = api.get("/v1/broadcasts/30/triggers")["triggers"][0]["id"]
    [told] = api.get(f"/v1/campaigns/30/triggers/{number}/errors")["errors"]
    return bool(told == "failed to download data file, server responded with code 403 Forbidden")


@shows("broadcast-numbering")
def _(api: Api) -> bool:
    fresh = {"name": "B", "actions": [], "default_recipients": {"segment": {"id": 1}}}
    api.sandbox.seed({"broadcasts": [{**fresh, "id": 41}, {**fresh, "id": 42}]})
    told = [trigger(api, number, ids=["u1"]).json()["id"] for number in (41, 42, 41)]
    return told == [1, 1, 2]


@shows("broadcast-draft")
def _(api: Api) -> bool:
    return trigger(api, 31).status_code == 422


@shows("broadcast-full-queue")
def _(api: Api) -> bool:
    api.sandbox.configure(trigger_duration=DAY)
    told = [trigger(api, ids=["u1"]).status_code for _ in range(6)]
    return told == [200, 200, 200, 200, 200, 429]


@shows("broadcast-no-new-people")
def _(api: Api) -> bool:
    assert trigger(api, ids=["nobody"], id_ignore_missing=True).status_code == 200
    return api.person("nobody") is None


@shows("broadcast-read-path")
def _(api: Api) -> bool:
    read = [api.app("GET", f"/v1/{kind}/30").status_code for kind in ("broadcasts", "campaigns")]
    wrong = api.app("POST", "/v1/broadcasts/30/triggers", {}).status_code
    return read == [200, 404] and wrong == 405


@shows("metrics-too-many-steps")
def _(api: Api) -> bool:
    asked = {"version": "1", "period": "days", "steps": 46}
    return api.app("GET", "/v1/campaigns/12/metrics", params=asked).status_code == 200


def aged(api: Api) -> tuple[str, str]:
    """A message of today and, by the clock, one of seven months ago."""
    old = mail(api).json()["delivery_id"]
    api.sandbox.clock.advance(214 * DAY)
    return old, mail(api).json()["delivery_id"]


@shows("messages-start-alone")
def _(api: Api) -> bool:
    old, new = aged(api)
    found = [message["id"] for message in listed(api, start_ts=NOW - DAY)]
    return new in found and old not in found


@shows("messages-end-alone")
def _(api: Api) -> bool:
    old, new = aged(api)
    until = [message["id"] for message in listed(api, end_ts=NOW + DAY)]
    long = [message["id"] for message in listed(api, start_ts=NOW - DAY, end_ts=NOW + 300 * DAY)]
    return (old in until, new in until, old in long, new in long) == (True, False, False, True)


@shows("messages-no-person-filter")
def _(api: Api) -> bool:
    everything = listed(api)
    filters: list[dict[str, Any]] = [
        {"customer_id": "u1"},
        {"state": "failed"},
        {"broadcast_id": 30},
    ]
    return all(listed(api, **each) == everything for each in filters)


@shows("messages-last-page")
def _(api: Api) -> bool:
    return bool(api.get("/v1/messages", limit=1000)["next"] == "")


@shows("messages-template")
def _(api: Api) -> bool:
    mail(api)
    return bool(listed(api)[0]["message_template_id"] == 1)
