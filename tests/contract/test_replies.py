"""The local Customer.io answers each recorded call, over HTTP, as the facts record it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.subtools import PAGE, subtools
from tests.support.facts import FieldFacts, Operation, load, minimal
from tests.support.sandbox_api import NOW, Api
from tests.support.timeouts import PATIENCE

FACTS = load()
SLOTS = {
    "customer_id": "u1",
    "device_id": "apns%3Aada-phone",
    "segment_id": "1",
    "campaign_id": "12",
    "broadcast_id": "30",
    "trigger_id": "1",
    "transactional_id": "1",
}
QUERY = {"email": "ada+test@example.com"}
PERSON = {"type": "person", "identifiers": {"id": "u1"}, "action": "identify"}
SEND = {"identifiers": {"id": "u1"}, "send_at": NOW + 60}
BODIES: Mapping[str, dict[str, Any]] = {
    "track_event": {"name": "a"},
    "track_anonymous_event": {"name": "a", "anonymous_id": "v1"},
    "track_page_view": {"name": "/", "type": "page"},
    "add_device": {"device": {"id": "t1", "platform": "ios"}},
    "merge_customers": {"primary": {"id": "u1"}, "secondary": {"id": "u6"}},
    "add_to_segment": {"ids": ["u1"]},
    "remove_from_segment": {"ids": ["u1"]},
    "send_transactional_email": {
        **SEND,
        "to": "ada@example.com",
        "transactional_message_id": "receipt",
    },
    "send_transactional_push": {**SEND, "transactional_message_id": "order_shipped"},
    "create_manual_segment": {"segment": {"name": "Beta"}},
    "find_customers": {"filter": {"attribute": {"field": "plan", "operator": "exists"}}},
    "entity": PERSON,
    "batch": {"batch": [PERSON]},
}
REFUSED: Mapping[tuple[str, int], tuple[str, dict[str, Any] | None]] = {
    ("identify_customer", 400): ("u1", {"motto": "x" * 1001}),
    ("track_anonymous_event", 400): ("", {"name": ""}),
    ("track_page_view", 400): ("u1", {"type": "page"}),
    ("add_device", 400): ("u1", {"device": {"id": "t1"}}),
    ("delete_device", 400): ("cio_000000000001", None),
    ("merge_customers", 400): ("", {"primary": {"id": "u1"}}),
    ("add_to_segment", 400): ("1", {"ids": []}),
    ("remove_from_segment", 400): ("1", {"ids": [f"u{i}" for i in range(1001)]}),
    ("trigger_broadcast", 422): ("30", {"recipients": {}}),
    ("send_transactional_email", 403): (
        "",
        {**BODIES["send_transactional_email"], "attachments": {"a.exe": "SGVsbG8="}},
    ),
    ("send_transactional_email", 413): (
        "",
        {**BODIES["send_transactional_email"], "attachments": {"a.pdf": "A" * 2_796_204}},
    ),
    ("entity", 400): ("", {}),
    ("get_transactional_contents", 400): ("x", None),
}
"""What makes a call fail with a status whose body is recorded: the first slot, and the body.

What is not here follows: an unknown id gets a 404, and a body without what is required a 400.
"""

NOT_ASKED_FOR = {
    ("batch", 400): "Every item is refused by itself, with 207.",
    ("trigger_broadcast", 400): "The body is not JSON: test_a_body_that_is_not_json_is_refused.",
    ("send_transactional_push", 403): "The local workspace has push.",
}
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
RECORDED = {
    (name, status): failure
    for name, held in FACTS.served().items()
    for status, failure in held.errors.items()
    if failure.envelope != "undocumented" and status != 401
}

each_served = pytest.mark.parametrize("name", FACTS.served())


@pytest.fixture
def api() -> Iterator[Api]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as sandbox:
        client = Api(sandbox)
        with client.session:
            yield client


def path_of(operation: Operation, slots: Mapping[str, str]) -> str:
    path = operation.path.format(**{name: slots[name] for name in operation.path_fields})
    needed = {name: QUERY[name] for name, field in operation.query.items() if field.required}
    return f"{path}?{urlencode(needed)}" if needed else path


def send(api: Api, name: str, slots: Mapping[str, str], body: Any) -> requests.Response:
    operation = FACTS.served()[name]
    client = api.track if operation.api == "track" else api.app
    return client(operation.method, path_of(operation, slots), body)


def misfits(value: Any, fact: FieldFacts, where: str) -> Iterator[str]:
    """Say where a value of a reply is not as recorded; what is open may hold anything more."""
    if value is None:
        if not fact.nullable:
            yield f"{where} is null"
        return
    if not any(_is_of(value, kind) for kind in (fact.type, *fact.also)):
        yield f"{where} is {type(value).__name__}"
    if fact.enum and value not in fact.enum:
        yield f"{where} is none of the recorded values"
    for item in value if isinstance(value, list) else ():
        if fact.items and not _is_of(item, fact.items):
            yield f"{where} holds {type(item).__name__}"
        if isinstance(item, dict) and fact.fields:
            yield from object_misfits(item, fact.fields, f"{where}[].", is_open=fact.open)
    if isinstance(value, dict) and (fact.fields or not fact.open):
        yield from object_misfits(value, fact.fields, f"{where}.", is_open=fact.open)


def object_misfits(
    given: Mapping[str, Any], known: Mapping[str, FieldFacts], where: str, *, is_open: bool
) -> Iterator[str]:
    yield from (f"{where}{k} is missing" for k, f in known.items() if f.required and k not in given)
    for name, value in given.items():
        if name in known:
            yield from misfits(value, known[name], f"{where}{name}")
        elif not is_open:
            yield f"{where}{name} is not recorded"


def _is_of(value: Any, kind: str) -> bool:
    return isinstance(value, JSON_TYPES[kind]) and (kind == "boolean") is isinstance(value, bool)


def shape(value: Any) -> Any:
    """The members of an error's body, its texts left out."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def body_of(name: str) -> dict[str, Any] | None:
    body = FACTS.served()[name].body
    return BODIES.get(name, minimal(body.fields) if body else None)


def refused_call(name: str, status: int) -> tuple[str, dict[str, Any] | None] | None:
    """What makes a call fail with a status: the first slot, and the body; None if that is open."""
    if (name, status) in REFUSED:
        return REFUSED[name, status]
    operation = FACTS.served()[name]
    slot = next(iter(operation.path_fields), None)
    if status == 404 and slot:
        return "999", body_of(name)
    is_body_needed = operation.body is not None and operation.body.required()
    return (SLOTS[slot] if slot else "", {}) if status == 400 and is_body_needed else None


@each_served
def test_a_call_is_answered_with_the_recorded_status_and_fields(api: Api, name: str) -> None:
    slots = {**SLOTS, "delivery_id": api.get("/v1/messages", limit=1)["messages"][0]["id"]}
    api.sandbox.clock.advance(11)
    reply = send(api, name, slots, body_of(name))
    recorded = FACTS.served()[name].reply[reply.status_code]
    if recorded.body == "json":
        fields = recorded.fields
        assert list(object_misfits(reply.json(), fields, "", is_open=False)) == []
    else:
        assert reply.content == (b"{}\n" if recorded.body == "empty_object" else b"")


WANTED = RECORDED.keys() - NOT_ASKED_FOR.keys()
ASKED_FOR = {key: call for key in sorted(WANTED) if (call := refused_call(*key)) is not None}


def test_every_refusal_that_is_recorded_is_asked_for() -> None:
    beyond_the_page = subtools().keys() - set(PAGE)
    assert {name for name, _ in WANTED - ASKED_FOR.keys()} <= beyond_the_page


@pytest.mark.parametrize(("name", "status"), ASKED_FOR)
def test_a_refusal_has_the_recorded_status_and_envelope(api: Api, name: str, status: int) -> None:
    first, body = ASKED_FOR[name, status]
    slots = {**SLOTS, "delivery_id": "x"}
    if FACTS.served()[name].path_fields:
        slots[next(iter(FACTS.served()[name].path_fields))] = first
    reply = send(api, name, slots, body)
    assert reply.status_code == status, reply.text
    assert shape(reply.json()) == shape(FACTS.envelopes[RECORDED[name, status].envelope].example)


@each_served
def test_a_wrong_credential_is_answered_401_in_the_recorded_envelope(api: Api, name: str) -> None:
    operation = FACTS.served()[name]
    path = path_of(operation, {**SLOTS, "delivery_id": "x"})
    reply = requests.request(operation.method, api.sandbox.track_url + path, timeout=PATIENCE)
    example = FACTS.envelopes[operation.errors[401].envelope].example
    assert (reply.status_code, shape(reply.json())) == (401, shape(example))


def test_a_body_that_is_not_json_is_refused(api: Api) -> None:
    key = {"Authorization": f"Bearer {api.sandbox.app_api_key}"}
    status, _ = api.raw("POST", "/v1/campaigns/30/triggers", b"{", key)
    assert status == 400
