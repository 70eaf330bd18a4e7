"""The Track v2 routes: one operation on an entity, or a batch of independent operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import limits
from ..refusal import Refused
from ..rules import deliveries, devices, events, objects, people
from ..rules.identify import identify
from ..rules.merge import merge, read_address
from ..rules.people import Address
from ..serving.http import Reply, Request, json_reply, v2_error, v2_errors
from ..serving.routes import Routes
from ..store.workspace import Workspace

_SPEC = "https://docs.customer.io/files/journeys-track.json"
TRACK_V2 = Routes("track", v2_errors)
Operation = Callable[[Workspace, dict[str, Any]], None]


@TRACK_V2.route("POST", "/api/v2/entity", operation="entity", source=_SPEC)
def entity(ws: Workspace, request: Request) -> Reply:
    """Apply one operation on a person, an object or a delivery."""
    _apply(ws, request.json_object())
    return json_reply({})


@TRACK_V2.route("POST", "/api/v2/batch", operation="batch", source=_SPEC)
def batch(ws: Workspace, request: Request) -> Reply:
    """Apply each valid operation; 207 lists the invalid ones, and 400 if none is valid."""
    if len(request.body) > limits.V2_BATCH:
        raise Refused("batch is larger than 500 KB", field="batch")
    items = request.json_object().get("batch")
    if not isinstance(items, list) or not items:
        raise Refused("batch must be a list of operations", field="batch")
    errors: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        ws.store.execute("SAVEPOINT item")
        try:
            _apply(ws, item)
        except Refused as refused:
            ws.store.execute("ROLLBACK TO item")
            errors.append({"batch_index": index, **v2_error(refused)})
        ws.store.execute("RELEASE item")
    if len(errors) == len(items):
        raise Refused("no operation is valid", errors=errors)
    return json_reply({"errors": errors}, 207) if errors else json_reply({})


def _apply(ws: Workspace, item: Any) -> None:
    if not isinstance(item, dict):
        raise Refused("an operation must be an object")
    if limits.size(item) > limits.V2_ITEM:
        raise Refused("an operation cannot be larger than 32 KB")
    kind, action = item.get("type"), item.get("action")
    table = _OPERATIONS.get(kind) if isinstance(kind, str) else None
    if table is None:
        raise Refused("type must be person, object or delivery", field="type")
    operation = table.get(action) if isinstance(action, str) else None
    if operation is None:
        raise Refused(f"action must be one of {', '.join(table)}", field="action")
    operation(ws, item)


def _address(ws: Workspace, item: dict[str, Any]) -> Address:
    identifiers = item.get("identifiers")
    if isinstance(identifiers, dict) and "phone" in identifiers:
        people.check_kind(ws, "phone", "identifiers")
    return read_address(ws, identifiers, "identifiers")


def _attributes(item: dict[str, Any]) -> dict[str, Any]:
    attributes = item.get("attributes")
    attributes = {} if attributes is None else attributes
    if not isinstance(attributes, dict):
        raise Refused("attributes must be an object", field="attributes")
    return attributes


def _identify(ws: Workspace, item: dict[str, Any]) -> None:
    body = dict(_attributes(item))
    if item.get("timestamp") is not None:
        body["_timestamp"] = item["timestamp"]
    relations = item.get("cio_relationships")
    if relations is not None:
        body["cio_relationships"] = {"action": "add_relationships", "relationships": relations}
    identify(ws, _address(ws, item), body)


def _event(ws: Workspace, item: dict[str, Any]) -> None:
    body = {name: item.get(name) for name in ("name", "id", "timestamp")}
    event = events.read(ws, {**body, "type": item["action"], "data": _attributes(item)})
    if not item.get("identifiers"):
        events.add_anonymous(ws, event)
        return
    may_create = ws.options.events_create_people
    person = people.find_or_create(ws, _address(ws, item), may_create=may_create)
    if person is not None:
        events.add(ws, event, person)


def _add_device(ws: Workspace, item: dict[str, Any]) -> None:
    device = devices.read(ws, item.get("device"), "token")
    person = people.find_or_create(ws, _address(ws, item), may_create=True)
    if person is not None:
        devices.save(ws, person["pk"], device)


def _delete_device(ws: Workspace, item: dict[str, Any]) -> None:
    device = item.get("device")
    if not isinstance(device, dict) or not isinstance(device.get("token"), str):
        raise Refused("device.token is required", field="device")
    person = people.find_or_create(ws, _address(ws, item), may_create=False)
    if person is not None:
        devices.delete(ws, person["pk"], device["token"])


def _relate(ws: Workspace, item: dict[str, Any]) -> None:
    action = "add" if item["action"] == "add_relationships" else "delete"
    changes = objects.read_relations(ws, action, item.get("cio_relationships"))  # type: ignore[arg-type] # literals
    person = people.find_or_create(ws, _address(ws, item), may_create=action == "add")
    if person is not None:
        objects.relate(ws, person["pk"], changes)


def _merge(ws: Workspace, item: dict[str, Any]) -> None:
    primary = read_address(ws, item.get("primary"), "primary")
    merge(ws, primary, read_address(ws, item.get("secondary"), "secondary"))


def _save_object(ws: Workspace, item: dict[str, Any]) -> None:
    key = objects.find(ws, item.get("identifiers"))
    if key is None:
        return
    objects.save(ws, *key, _attributes(item))
    if item.get("cio_relationships") is not None:
        _relate_object(ws, {**item, "action": "add_relationships"})


def _relate_object(ws: Workspace, item: dict[str, Any]) -> None:
    key = objects.find(ws, item.get("identifiers"))
    ends = item.get("cio_relationships")
    if not isinstance(ends, list) or not all(isinstance(end, dict) for end in ends):
        raise Refused("cio_relationships must be an array", field="cio_relationships")
    for end in ends:
        attributes = end.get("relationship_attributes") or {}
        if not isinstance(attributes, dict):
            raise Refused("relationship_attributes must be an object", field="cio_relationships")
        add = item["action"] == "add_relationships"
        address = _address(ws, end)
        if key is None:
            continue
        person = people.find_or_create(ws, address, may_create=add)
        if person is not None:
            change = objects.Relation("add" if add else "delete", *key, attributes)
            objects.relate(ws, person["pk"], [change])


def _delete_object(ws: Workspace, item: dict[str, Any]) -> None:
    key = objects.find(ws, item.get("identifiers"))
    if key is not None:
        objects.delete(ws, *key)


def _delivery_event(ws: Workspace, item: dict[str, Any]) -> None:
    identifiers = item.get("identifiers")
    delivery_id = identifiers.get("id") if isinstance(identifiers, dict) else None
    if not isinstance(delivery_id, str):
        raise Refused("identifiers.id is required", field="identifiers")
    if item.get("name") not in ("opened", "converted", "delivered"):
        raise Refused("name must be opened, converted or delivered", field="name")
    try:
        row = deliveries.find(ws, delivery_id)
    except Refused:
        ws.fail_quietly("unknown delivery", delivery_id)
        return
    at = limits.moment(ws, item.get("timestamp"), "timestamp")
    if not deliveries.record(ws, row["pk"], item["name"], at):
        ws.fail_quietly("metric recorded before", item["name"])


_OPERATIONS: dict[str, dict[str, Operation]] = {
    "person": {
        "identify": _identify,
        "delete": lambda ws, item: people.delete(ws, _address(ws, item)),
        "event": _event,
        "screen": _event,
        "page": _event,
        "add_relationships": _relate,
        "delete_relationships": _relate,
        "add_device": _add_device,
        "delete_device": _delete_device,
        "merge": _merge,
        "suppress": lambda ws, item: people.suppress(ws, _address(ws, item)),
        "unsuppress": lambda ws, item: people.unsuppress(ws, _address(ws, item)),
    },
    "object": {
        "identify": _save_object,
        "delete": _delete_object,
        "add_relationships": _relate_object,
        "delete_relationships": _relate_object,
    },
    "delivery": {"event": _delivery_event},
}
