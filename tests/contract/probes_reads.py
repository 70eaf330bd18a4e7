"""Probes of the facts on what is read of one person, one message and one template."""

from __future__ import annotations

from typing import Any

from customerio_tool.sandbox.limits import ARCHIVED_A_DAY
from tests.contract.probes import person_path, shows, status
from tests.support.sandbox_api import Api

DAY = 86_400


def activities(api: Api, person: str = "u6", **query: Any) -> list[dict[str, Any]]:
    path = f"/v1/customers/{person}/activities"
    found: list[dict[str, Any]] = api.get(path, limit=100, **query)["activities"]
    return found


def track(api: Api, name: str) -> None:
    api.accept("POST", person_path("u6", "/events"), {"name": name})


def identify(api: Api, **attributes: Any) -> None:
    assert status(api, "PUT", person_path("u6"), attributes) == 200


def send(api: Api, **fields: Any) -> str:
    body = {"to": "p@example.com", "transactional_message_id": "receipt", **fields}
    sent = api.app("POST", "/v1/send/email", {**body, "identifiers": {"id": "u6"}})
    return str(sent.json()["delivery_id"])


def archived(api: Api, delivery_id: str) -> Any:
    return api.app("GET", f"/v1/messages/{delivery_id}/archived_message")


@shows("activities-30-days")
def _(api: Api) -> bool:
    track(api, "early")
    api.sandbox.clock.advance(30 * DAY)
    kept = [each.get("name") for each in activities(api)]
    api.sandbox.clock.advance(1)
    return "early" in kept and activities(api) == []


@shows("activities-order")
def _(api: Api) -> bool:
    for name in ("first", "second"):
        api.sandbox.clock.advance(1)
        track(api, name)
    return [each["name"] for each in activities(api, type="event")][:2] == ["second", "first"]


@shows("activity-failed-data")
def _(api: Api) -> bool:
    identify(api, email="zoë@example.com")
    [failed] = activities(api, type="failed_attribute_change")
    return bool(failed["data"] == {"email": {"from": "", "to": "zoë@example.com"}})


@shows("activity-name-change")
def _(api: Api) -> bool:
    identify(api, city="Ulm")
    identify(api, plan="free")
    found = activities(api, type="attribute_change", name="city")
    return [each["data"] for each in found] == [{"city": {"from": "", "to": "Ulm"}}]


@shows("archived-retention")
def _(api: Api) -> bool:
    kept, gone = send(api), send(api, disable_message_retention=True)
    one, other = (archived(api, each).json()["archived_message"] for each in (kept, gone))
    return (one["forgotten"], "Thank you" in one["body"], other["forgotten"], "body" in other) == (
        *(False, True),
        *(True, False),
    )


@shows("archived-day")
def _(api: Api) -> bool:
    delivery = send(api)
    statuses = {archived(api, delivery).status_code for _ in range(ARCHIVED_A_DAY)}
    api.sandbox.clock.advance(DAY - 1)
    refused = archived(api, delivery).status_code
    api.sandbox.clock.advance(2)
    return (statuses, refused, archived(api, delivery).status_code) == ({200}, 429, 200)


@shows("contents-unknown")
def _(api: Api) -> bool:
    return api.app("GET", "/v1/transactional/999/contents").status_code == 404


@shows("trigger-name-untold")
def _(api: Api) -> bool:
    listed = api.get("/v1/transactional")["messages"][0]
    one = api.get("/v1/transactional/1")["message"]
    return not {"trigger_name", "trigger"} & {*listed, *one}
