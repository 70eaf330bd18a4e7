"""The identify call: finds or creates the person, sets identifiers and attributes."""

from __future__ import annotations

import json
from typing import Any

from ..json_text import as_text
from ..limits import ATTRIBUTES, check_attributes, check_person_id, moment
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump
from . import addresses, events, objects, people, segments, timeline
from .merge import merge
from .people import Address

PREFERENCES = "cio_subscription_preferences"
_TOPICS = f"{PREFERENCES}.topics."
_CONTROLS = frozenset({"_timestamp", "_update", "cio_relationships"})
_IDENTIFIERS = frozenset({"id", "email", "cio_id", "anonymous_id"})
_ALREADY_SET = "identifier already set: change it by cio_id"
_UNLIMITED = frozenset({PREFERENCES, "cio_relationships"})


def identify(ws: Workspace, address: Address, body: dict[str, Any]) -> None:
    """Create or update the person with ``address``, or with an identifier in ``body``.

    Raises:
        Refused: a limit is exceeded or a control has the wrong type.
    """
    check_attributes(body, _UNLIMITED)
    wanted = _identifiers_in(ws, body)
    at = moment(ws, body.get("_timestamp"), "_timestamp")
    relationships = objects.relationship_changes(ws, body.get("cio_relationships"))
    person = _person(ws, address, wanted, update_only=body.get("_update") is True)
    if person is None:
        return
    person = _merged(ws, address, wanted) or person
    _check_cio_id(ws, person, body.get("cio_id"))
    before = _state(person)
    segments_before = segments.dynamic_triggers_of(ws, person)
    _set_identifiers(ws, person, address, wanted)
    _set_attributes(ws, person["pk"], body, at)
    timeline.note_changes(ws, before, _state(people.get(ws, person["pk"])), person["pk"])
    objects.relate(ws, person["pk"], relationships)
    anonymous_id = events.anonymous_id_in(ws, body)
    if anonymous_id is not None:
        events.bind_anonymous(ws, person["pk"], anonymous_id)
    segments.start_entered(ws, people.get(ws, person["pk"]), segments_before)


def _state(person: Row) -> dict[str, Any]:
    """What a change of attributes may change, by name."""
    own = {kind: person[kind] for kind in ("id", "email") if person[kind] is not None}
    subscription = {"unsubscribed": True} if person["unsubscribed"] else {}
    return {**people.attributes(person), **own, **subscription}


def _fail(ws: Workspace, person: Row, wanted: Address, reason: str) -> None:
    """Record an identifier that stays as it was, also in the person's timeline."""
    ws.fail_quietly(reason, wanted.value)
    change: dict[str, tuple[Any, Any]] = {wanted.kind: (person[wanted.kind], wanted.value)}
    timeline.note(ws, person["pk"], timeline.FAILED_CHANGE, change)


def _check_cio_id(ws: Workspace, person: Row, value: Any) -> None:
    """Record an attempt to change the cio_id: the system makes it, and it stays (RA)."""
    if value not in (None, "", person["cio_id"], f"{people.CIO_PREFIX}{person['cio_id']}"):
        ws.fail_quietly("cio_id never changes", str(person["cio_id"]))


def _identifiers_in(ws: Workspace, body: dict[str, Any]) -> list[Address]:
    """The identifiers that a body sets; empty and null ones set nothing."""
    found: list[Address] = []
    for kind in ("id", "email"):
        value = body.get(kind)
        if value in (None, "") or not _is_identifier(ws, kind):
            continue
        if kind == "id" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise Refused(f"{kind} attribute must be a string value", field=kind)
        if kind == "id":
            check_person_id(value)
            found.append(Address("id", value))
        elif not addresses.is_address(value):
            ws.fail_quietly("invalid email", value)
        else:
            found.append(Address("email", value))
    return found


def _is_identifier(ws: Workspace, name: str) -> bool:
    return name in _IDENTIFIERS and (name != "email" or ws.options.email_is_identifier)


def _person(
    ws: Workspace, address: Address, wanted: list[Address], *, update_only: bool
) -> Row | None:
    """The person with the path's identifier, else with one of the body's, else a new one (T)."""
    if any(people.is_suppressed(ws, each) for each in (address, *wanted)):
        ws.fail_quietly("suppressed", address.value)
        return None
    person = people.find(ws, address)
    if person is not None:
        return person
    if address.kind == "cio_id":
        ws.fail_quietly("unknown cio_id", address.value)
        return None
    for each in wanted:
        owner = people.find(ws, each)
        if owner is not None:
            return _given(ws, owner, address)
    if update_only:
        ws.fail_quietly("_update on nobody", address.value)
        return None
    return people.create(ws, address)


def _given(ws: Workspace, owner: Row, address: Address) -> Row:
    """The owner of an identifier in the body, with that of the path (fact identify-renames)."""
    if owner[address.kind] is None or ws.options.identify_renames:
        people.set_identifier(ws, owner["pk"], address)
    else:
        _fail(ws, owner, address, _ALREADY_SET)
    return people.get(ws, owner["pk"])


def _merged(ws: Workspace, address: Address, wanted: list[Address]) -> Row | None:
    """Merge the two people whom an id and an e-mail address name, if fact auto-merge says so.

    Returns the older of them, who has both identifiers then; ``None`` if nobody was merged.
    """
    if not ws.options.auto_merge or address.kind == "cio_id":
        return None
    named = {each.kind: each for each in (*wanted, address)}
    if named.keys() != {"id", "email"}:
        return None
    by_id, by_email = people.find(ws, named["id"]), people.find(ws, named["email"])
    if by_id is None or by_email is None or by_id["pk"] == by_email["pk"]:
        return None
    if by_id["email"] is not None or by_email["id"] is not None:
        return None
    older, younger = sorted((by_id, by_email), key=lambda person: (person["created"], person["pk"]))
    merge(ws, Address("cio_id", older["cio_id"]), Address("cio_id", younger["cio_id"]))
    kept = people.get(ws, older["pk"])
    for each in named.values():
        if not people.has(kept, each):
            people.set_identifier(ws, older["pk"], each)
    return people.get(ws, older["pk"])


def _set_identifiers(ws: Workspace, person: Row, address: Address, wanted: list[Address]) -> None:
    """Set the body's identifiers, or record why not (fact identify-conflict)."""
    for each in wanted:
        present = person[each.kind]
        if people.has(person, each):
            continue
        owner = people.find(ws, each)
        if owner is not None and owner["pk"] != person["pk"]:
            _fail(ws, person, each, "identifier conflict")
        elif present is not None and not _may_change(ws, address, each):
            _fail(ws, person, each, _ALREADY_SET)
        else:
            people.set_identifier(ws, person["pk"], each)


def _may_change(ws: Workspace, address: Address, wanted: Address) -> bool:
    if address.kind == "cio_id":
        return True
    return address.kind == "id" and wanted.kind == "email" and ws.options.email_change_by_id


def _set_attributes(ws: Workspace, pk: int, body: dict[str, Any], at: int) -> None:
    """Set or remove the body's attributes; the person keeps all others."""
    person = people.get(ws, pk)
    values, stamps = json.loads(person["attributes"]), json.loads(person["stamps"])
    unsubscribed, email = person["unsubscribed"], person["email"]
    for name, value in body.items():
        if not _is_attribute(ws, name):
            continue
        if _is_late(ws, stamps.get(name), at):
            ws.fail_quietly("older than the stored value", name)
            continue
        stamps[name] = at
        if name == "unsubscribed":
            unsubscribed = int(is_true(value))
        elif name == "email":
            email = None if value in (None, "") else as_text(value)
        elif name.startswith(_TOPICS):
            _set_topic(values, name[len(_TOPICS) :], value)
        else:
            _set_value(ws, values, name, value)
    if len(values) > ATTRIBUTES:
        ws.fail_quietly("more than 300 attributes", str(person["cio_id"]))
        return
    sql = "UPDATE people SET attributes=?, stamps=?, unsubscribed=? WHERE pk=?"
    ws.store.execute(sql, (dump(values), dump(stamps), unsubscribed, pk))
    if email != person["email"]:
        people.set_email(ws, pk, email)


def _is_late(ws: Workspace, stored: int | None, at: int) -> bool:
    if stored is None:
        return False
    return stored > at or (stored == at and ws.options.equal_timestamp == "keep")


def _is_attribute(ws: Workspace, name: str) -> bool:
    if name in _CONTROLS or _is_identifier(ws, name):
        return False
    if name.startswith("_") and ws.options.underscore_attributes == "ignore":
        ws.fail_quietly("system attribute", name)
        return False
    return True


def _set_value(ws: Workspace, values: dict[str, Any], name: str, value: Any) -> None:
    if value is None and ws.options.null_attribute == "ignore":
        ws.fail_quietly("null ignored", name)
    elif value is None or value == "":
        values.pop(name, None)
    elif _is_nested(name, value) and ws.options.nested_attributes == "ignore":
        ws.fail_quietly("nested value ignored", name)
    else:
        values[name] = value


def _is_nested(name: str, value: Any) -> bool:
    return isinstance(value, (dict, list)) and name != PREFERENCES


def _set_topic(values: dict[str, Any], topic: str, value: Any) -> None:
    """Change one topic; the others stay (fact topic-keys)."""
    preferences = values.get(PREFERENCES)
    topics = dict(preferences.get("topics") or {}) if isinstance(preferences, dict) else {}
    if value is None or value == "":
        topics.pop(topic, None)
    else:
        topics[topic] = is_true(value)
    values[PREFERENCES] = {"topics": topics}


def is_true(value: Any) -> bool:
    """Whether a value is true: ``1``, ``"1"``, or "true" in any case (T)."""
    return str(value).lower() in {"true", "1"}
