"""A message or an event is one in whatever spelling a model repeats it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import Backends, CallContext, Clock, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace, code_of

MAIL, PUSH, BROADCAST = (
    "send_transactional_email",
    "send_transactional_push",
    "trigger_broadcast",
)
E = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
P = {"customer_id": "u1", "transactional_message_id": "3"}
PHONE = {"token": "tok", "platform": "ios"}
RUN = CallContext(run_id="r")


@pytest.fixture
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    clock, backends = Clock(sleep=lambda _: None), Backends(limiter=AnyPace())
    with CustomerIoTool(sandbox.connection(), backends=backends, clock=clock) as made:
        yield made


def posts(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [each["json"] for each in sandbox.requests() if each["method"] == "POST"]


def to_adults(age: Any) -> dict[str, Any]:
    condition = {"attribute": {"field": "age", "operator": "eq", "value": age}}
    return {"broadcast_id": 30, "audience": "filter", "filter": condition}


def with_data(*people: dict[str, Any]) -> dict[str, Any]:
    return {"broadcast_id": 30, "audience": "per_user_data", "per_user_data": list(people)}


@pytest.mark.parametrize(
    ("name", "first", "again"),
    [
        (MAIL, E, {**E, "to": "ada@example.com , "}),
        (MAIL, {**E, "to": "a@münchen.de"}, {**E, "to": "a@XN--mnchen-3ya.de"}),
        (MAIL, {**E, "to": "a@münchen.de"}, {**E, "to": "a@mu\u0308nchen.de"}),
        (MAIL, {**E, "customer_id": "a@münchen.de"}, {**E, "customer_id": "a@xn--mnchen-3ya.de"}),
        (MAIL, {**E, "headers": {"X-Order": "1"}}, {**E, "headers": {"X-Order": " 1 "}}),
        (MAIL, {**E, "language": "pt-BR"}, {**E, "language": "pt_br"}),
        (MAIL, {**E, "attachments": {"a.txt": "Zg=="}}, {**E, "attachments": {"a.txt": "Zh=="}}),
        (PUSH, P, {**P, "to": "ALL"}),
        (PUSH, {**P, "to": "last_used"}, {**P, "to": "Last_Used"}),
        (PUSH, {**P, "custom_data": {"n": 1}}, {**P, "custom_data": {"n": 1.0}}),
        (
            PUSH,
            {**P, "custom_device": {**PHONE, "attributes": {"v": 4}}},
            {**P, "custom_device": {**PHONE, "attributes": {"v": 4e0}}},
        ),
        (BROADCAST, to_adults(18), to_adults(18.0)),
        (
            BROADCAST,
            with_data({"id": "u1", "data": {"a": 1, "b": [0]}}, {"email": "ada@example.com"}),
            with_data({"email": "Ada@EXAMPLE.com"}, {"data": {"b": [-0.0], "a": 1.0}, "id": "u1"}),
        ),
    ],
)
def test_a_message_in_another_spelling_goes_once(
    sandbox: Sandbox, tool: CustomerIoTool, name: str, first: dict[str, Any], again: dict[str, Any]
) -> None:
    sandbox.fault(action="reset_after_applying", method="POST", times=1)
    assert code_of(tool.call(name, first, context=RUN)) == "outcome_unknown"
    assert code_of(tool.call(name, again, context=RUN)) == "outcome_unknown"
    assert len(posts(sandbox)) == 1


def test_a_list_with_semicolons_is_no_address(tool: CustomerIoTool) -> None:
    refused = tool.call(MAIL, {**E, "to": "ada@example.com;"}, context=RUN)
    assert code_of(refused) == "arguments_invalid"
    assert "commas" in refused["error"]["fields"][0]["fix"]


T = {"customer_id": "ada@example.com", "name": "bought", "data": {"n": 1}}
BARE = {"customer_id": "u1", "name": "bought"}


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (T, {**T, "data": {"n": 1.0}}),
        (T, {**T, "data": '{"n": 1e0}'}),
        (T, {**T, "customer_id": "Ada@EXAMPLE.com"}),
        (
            {**T, "event_id": "order-7"},
            {**T, "event_id": "order-7", "customer_id": "ADA@example.com"},
        ),
        (BARE, {**BARE, "data": {}}),
        ({**BARE, "data": {"a": 1, "b": 2}}, {**BARE, "data": {"b": 2, "a": 1}}),
    ],
)
def test_an_event_in_another_spelling_is_the_same_event(
    sandbox: Sandbox, tool: CustomerIoTool, first: dict[str, Any], again: dict[str, Any]
) -> None:
    sandbox.fault(status=503, method="POST", times=3)
    lost = tool.call("track_event", first, context=RUN)
    assert lost["error"]["took_effect"] == "unknown"
    assert tool.call("track_event", again, context=RUN)["event_id"] == lost["event_id"]
    assert len({each["id"] for each in posts(sandbox)}) == 1


def test_the_language_is_sent_as_customer_io_spells_it(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    assert tool.call(MAIL, {**E, "language": "pt_br"}, context=RUN)["ok"]
    assert posts(sandbox)[0]["language"] == "pt-BR"
