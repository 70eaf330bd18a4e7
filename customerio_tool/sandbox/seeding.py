"""A workspace given as JSON: what a seed may hold, and how it is put in.

The form is an object of lists, all optional, each entry as the class of its kind says:
``{"people": [...], "objects": [...], "segments": [...], "templates": [...], "campaigns": [...],
"broadcasts": [...]}``. Entries are put in by the same rules as calls, so what a call would refuse
or quietly ignore is an error here. People with their events come before campaigns: a seed starts
none of its own campaigns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from . import (
    campaigns,
    declared,
    deliveries,
    devices,
    events,
    filters,
    objects,
    people,
    segments,
    templates,
)
from .identify import identify
from .people import Address
from .refusal import Refused
from .store import Row
from .workspace import Workspace

Entry = TypeVar("Entry")
State = Literal["draft", "running", "stopped"]


@dataclass(frozen=True)
class Segment:
    """A manual segment, or one computed from ``conditions`` in the audience filter grammar.

    Attributes:
        name: what people's ``segments`` call it.
        description: for people.
        conditions: such as ``{"attribute": {"field": "plan", "operator": "eq", "value": "pro"}}``.
        id: its number; by default the next free one.
    """

    name: str
    description: str = ""
    conditions: dict[str, Any] | None = None
    id: int | None = None


@dataclass(frozen=True)
class Person:
    """A person; an ``id`` or an ``email`` is needed. Times are Unix seconds.

    Attributes:
        id: the person's id.
        email: the e-mail address.
        attributes: the rest, as identify takes them.
        created_at: since when there is this person.
        unsubscribed: wants no messages.
        anonymous_id: ties earlier anonymous events to the person.
        suppressed: only blocks the identifiers, id and email: nobody is created.
        devices: each ``{"token", "platform", "last_used"?, "attributes"?}``.
        events: each ``{"name", "type"?, "data"?, "id"?, "timestamp"?}``, as the Track API takes it.
        segments: the names or numbers of manual segments.
    """

    id: str | None = None
    email: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    created_at: int | None = None
    unsubscribed: bool | None = None
    anonymous_id: str | None = None
    suppressed: bool = False
    devices: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    segments: list[str | int] = field(default_factory=list)


@dataclass(frozen=True)
class Object:
    """An object such as a company.

    Attributes:
        type: the number of its type, as text.
        id: its id within the type.
        attributes: what is known of it.
    """

    type: str
    id: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """A transactional message.

    Attributes:
        name: what a send may call it.
        channel: what it is sent as.
        content: an e-mail's ``subject``, ``body``, ``from``; a push's ``title`` and ``message``.
        id: its number; by default the next free one.
    """

    name: str
    channel: Literal["email", "push"] = "email"
    content: dict[str, Any] = field(default_factory=dict)
    id: int | None = None


@dataclass(frozen=True)
class Action:
    """One message of a campaign or broadcast."""

    id: int
    type: deliveries.MessageType = "email"
    subject: str | None = None
    body: str = ""


@dataclass(frozen=True)
class Campaign:
    """A campaign; an event of its ``event_name``, or entering a segment, starts people in it.

    Attributes:
        id: its number.
        name: for people.
        type: what starts it.
        state: only a running one sends.
        event_name: for type ``event``.
        trigger_segment_ids: for type ``segment``.
        filter_segment_ids: who is not in all of these is not started.
        actions: what it sends.
        description: for people.
        tags: for people.
    """

    id: int
    name: str
    type: Literal["event", "segment", "date", "form", "relationship", "webhook"] = "event"
    state: State = "running"
    event_name: str | None = None
    trigger_segment_ids: list[int] = field(default_factory=list)
    filter_segment_ids: list[int] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    description: str = ""
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Broadcast:
    """An API-triggered broadcast.

    Attributes:
        id: its number; campaigns and broadcasts share their numbers.
        name: for people.
        state: only a running one can be triggered.
        default_recipients: the audience filter of a trigger that names nobody.
        actions: what it sends.
        description: for people.
        tags: for people.
    """

    id: int
    name: str
    default_recipients: dict[str, Any]
    state: State = "running"
    actions: list[dict[str, Any]] = field(default_factory=list)
    description: str = ""
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Seed:
    """All lists of a seed, in the order in which they are put in."""

    segments: list[dict[str, Any]] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    templates: list[dict[str, Any]] = field(default_factory=list)
    campaigns: list[dict[str, Any]] = field(default_factory=list)
    broadcasts: list[dict[str, Any]] = field(default_factory=list)


def sow(ws: Workspace, seed: Mapping[str, Any]) -> dict[str, int]:
    """Add what a seed holds; returns how many of each kind.

    Raises:
        ValueError: an entry makes no sense; the text says which, and why.
    """
    try:
        json.dumps(seed, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("seed must be what JSON can hold") from None
    plan = declared.read(Seed, seed, "seed")
    with ws.store.savepoint():
        return {
            "segments": _each(ws, Segment, plan.segments, "segments", _segment),
            "objects": _each(ws, Object, plan.objects, "objects", _object),
            "people": _each(ws, Person, plan.people, "people", _person),
            "templates": _each(ws, Template, plan.templates, "templates", _template),
            "campaigns": _each(ws, Campaign, plan.campaigns, "campaigns", _campaign),
            "broadcasts": _each(ws, Broadcast, plan.broadcasts, "broadcasts", _broadcast),
        }


def _each(
    ws: Workspace,
    kind: type[Entry],
    entries: list[dict[str, Any]],
    name: str,
    put: Callable[[Workspace, Entry], None],
) -> int:
    for number, entry in enumerate(entries):
        where = f"seed.{name}[{number}]"
        read = declared.read(kind, entry, where)
        with _explained(ws, where):
            put(ws, read)
    return len(entries)


@contextmanager
def _explained(ws: Workspace, where: str) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise ValueError(f"{where}: {refused.message}") from None
    except sqlite3.IntegrityError:
        raise ValueError(f"{where}: its number or name is taken") from None
    except ValueError as error:
        raise ValueError(f"{where}.{error}") from None
    if ws.quiet:
        raise ValueError(f"{where}: {ws.reason}")


def _segment(ws: Workspace, segment: Segment) -> None:
    if segment.conditions is not None:
        _check_filter(ws, segment.conditions)
    segments.create(ws, segment.name, segment.description, segment.conditions, segment.id)


def _check_filter(ws: Workspace, value: dict[str, Any]) -> None:
    """Refuse what is no filter, or names a segment that is not there (or is this one)."""
    filters.check(value, "")
    for number in _segments_in(value):
        segments.get(ws, number)


def _segments_in(value: Any) -> Iterator[int]:
    ((key, inner),) = value.items()
    if key == "segment":
        yield inner["id"]
    elif key != "attribute":
        for each in inner if isinstance(inner, list) else [inner]:
            yield from _segments_in(each)


def _object(ws: Workspace, each: Object) -> None:
    objects.save(ws, each.type, each.id, each.attributes)


def _person(ws: Workspace, person: Person) -> None:
    address = _address(ws, person)
    if address.kind == "id" and ws.options.email_is_identifier and _email_is_taken(ws, person):
        raise Refused("its email belongs to somebody already")
    if person.suppressed:
        _suppressed(ws, person, address)
        return
    body = {
        **person.attributes,
        "email": person.email,
        "created_at": person.created_at,
        "unsubscribed": person.unsubscribed,
        "anonymous_id": person.anonymous_id,
    }
    then = ws if person.created_at is None else replace(ws, time=float(person.created_at))
    identify(then, address, {name: each for name, each in body.items() if each is not None})
    row = people.find(ws, address)
    if row is not None:
        _belongings(ws, person, row)


def _email_is_taken(ws: Workspace, person: Person) -> bool:
    return person.email is not None and bool(people.with_email(ws, person.email))


def _suppressed(ws: Workspace, person: Person, address: Address) -> None:
    """Block all identifiers that the person has: they are here for as long as that takes."""
    if people.find(ws, address) is None:
        row = people.create(ws, address)
        if person.email:
            people.set_email(ws, row["pk"], person.email)
    people.suppress(ws, address)


def _address(ws: Workspace, person: Person) -> Address:
    if person.id:
        return Address("id", person.id)
    if not ws.options.email_is_identifier:
        raise Refused("needs an id: email is no identifier of this workspace")
    if not person.email or not people.looks_like_email(person.email):
        raise Refused("needs an id, or an email that looks like one")
    return Address("email", person.email)


def _belongings(ws: Workspace, person: Person, row: Row) -> None:
    for device in person.devices:
        devices.save(ws, row["pk"], devices.read(ws, device, "token"))
    for reference in person.segments:
        column = "name" if isinstance(reference, str) else "id"
        sql = f"SELECT id FROM segments WHERE {column}=?"  # noqa: S608 - fixed names
        number = ws.store.scalar(sql, (reference,))
        if number is None:
            raise Refused(f"there is no segment {reference!r}")
        segments.change_members(ws, number, [row["cio_id"]], "cio_id", add=True)
    for event in person.events:
        events.add(ws, events.read(ws, event), row)


def _template(ws: Workspace, template: Template) -> None:
    templates.save(ws, template.name, template.channel, template.content, template.id)


def _actions(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [vars(declared.read(Action, each, f"actions[{n}]")) for n, each in enumerate(given)]


def _campaign(ws: Workspace, campaign: Campaign) -> None:
    for number in (*campaign.trigger_segment_ids, *campaign.filter_segment_ids):
        segments.get(ws, number)
    extra: dict[str, Any] = {"filter_segment_ids": campaign.filter_segment_ids}
    if campaign.type == "segment":
        extra["trigger_segment_ids"] = campaign.trigger_segment_ids
    _add(ws, campaign, campaign.type, event_name=campaign.event_name, **extra)


def _broadcast(ws: Workspace, broadcast: Broadcast) -> None:
    _check_filter(ws, broadcast.default_recipients)
    recipients = broadcast.default_recipients
    _add(ws, broadcast, "triggered_broadcast", default_recipients=recipients)


def _add(ws: Workspace, each: Campaign | Broadcast, kind: str, **extra: Any) -> None:
    actions = _actions(each.actions)
    extra |= {"description": each.description, "tags": each.tags}
    campaigns.add(ws, each.id, each.name, kind, actions, each.state, **extra)
