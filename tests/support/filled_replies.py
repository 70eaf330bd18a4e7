"""Replies to look-ups, filled from the facts: every text that may stand in one stands in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import responses

from customerio_tool.subtools import lookups
from customerio_tool.subtools.declare import Endpoint
from tests.support.facts import FieldFacts, Operation, load

FACTS = load()
HOST = "https://api.customer.io"
CALLS: dict[str, list[dict[str, Any]]] = {
    name: [dict(each.arguments) for each in subtool.examples] for name, subtool in lookups().items()
}
Fill = Callable[[str], str]
"""Returns the text for a member of a reply, by its name."""


def value_of(name: str, fact: FieldFacts, fill: Fill) -> Any:
    """Return a value of a field in which every text is filled in."""
    if fact.type == "array":
        inner = object_of(fact.fields, fill) if fact.items == "object" else fill(name)
        return [inner]
    if fact.type == "object":
        more = {fill("name"): {"from": fill(name), "to": fill(name)}} if fact.open else {}
        return {**more, **object_of(fact.fields, fill)}
    plain = {"integer": 1, "number": 1.5, "boolean": True}
    return fill(name) if fact.type == "string" else plain[fact.type]


def object_of(fields: dict[str, FieldFacts], fill: Fill) -> dict[str, Any]:
    return {name: value_of(name, fact, fill) for name, fact in fields.items()}


def reply_of(operation: Operation, fill: Fill) -> dict[str, Any]:
    return object_of(operation.reply[200].fields, fill)


def _shape(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def _operation(endpoint: Endpoint) -> Operation:
    wanted = endpoint.method, _shape(endpoint.path)
    held = FACTS.served().values()
    return next(each for each in held if (each.method, _shape(each.path)) == wanted)


def _about(reply: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a reply that is about what was asked for: else it would be refused as another's."""
    told: dict[str, Any] = json.loads(json.dumps(reply))
    for holder in (told, *told.get("triggers", ()), *filter(None, [told.get("message")])):
        if "broadcast_id" in holder and "broadcast_id" in arguments:
            holder["broadcast_id"] = arguments["broadcast_id"]
        if "segment_id" in holder:
            holder["segment_id"] = arguments["segment_id"]
    for wrapper in ("message", "archived_message"):
        if isinstance(told.get(wrapper), dict):
            named = arguments.get("message_id", arguments.get("transactional_id"))
            told[wrapper]["id"] = named
    if "trigger_id" in arguments and "triggers" not in told and "id" in told:
        told["id"] = arguments["trigger_id"]
    for each in told.get("results", ()) if "email" in arguments else ():
        each["email"] = arguments["email"]
    for each in told.get("activities", ()):
        person = each["customer_identifiers"]
        named = "email" if "@" in arguments["customer_id"] else "id"
        each["customer_identifiers"] = {**person, named: arguments["customer_id"]}
    return told


def serve(net: responses.RequestsMock, name: str, arguments: dict[str, Any], fill: Fill) -> None:
    """Have every endpoint of a look-up answer with a filled reply."""
    subtool = lookups()[name]
    second = [subtool.second_read.endpoint] if subtool.second_read else []
    for endpoint in (*subtool.endpoints, *second):
        reply = _about(reply_of(_operation(endpoint), fill), arguments)
        url = re.compile(re.escape(HOST) + re.sub(r"{\w+}", "[^/?]+", endpoint.path) + r"(\?.*)?$")
        net.add(endpoint.method, url, json=reply)
