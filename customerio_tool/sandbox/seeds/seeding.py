"""Seeds: the JSON form of a workspace's content, and how it is added.

A seed is an object of lists, all optional: ``{"people": [...], "objects": [...], "segments": [...],
"templates": [...], "campaigns": [...], "broadcasts": [...]}``. The classes below describe the
entries. Entries follow the rules of calls: a refusal and a quiet failure are errors of the seed.
People and their events are added before campaigns, so that a seed starts none of its campaigns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from .. import declared
from ..refusal import Refused
from ..rules import (
    campaigns,
    deliveries,
    devices,
    events,
    filters,
    objects,
    people,
    segments,
    templates,
)
from ..rules.campaigns import NewCampaign
from ..rules.identify import identify
from ..rules.people import Address
from ..rules.segments import NewSegment
from ..rules.templates import NewTemplate
from ..store.store import Row
from ..store.workspace import Workspace

Entry = TypeVar("Entry")
State = Literal["draft", "running", "stopped"]


@dataclass(frozen=True)
class Segment:
    """A manual segment, or a dynamic one with ``conditions``.

    Attributes:
        name: its name, for the ``segments`` of people.
        description: a text for readers.
        conditions: an audience filter, such as
            ``{"attribute": {"field": "plan", "operator": "eq", "value": "pro"}}``.
        id: its number; by default the next free one.
    """

    name: str
    description: str = ""
    conditions: dict[str, Any] | None = None
    id: int | None = None


@dataclass(frozen=True)
class Person:
    """A person with an ``id``, an ``email`` or both. Times are Unix seconds.

    Attributes:
        id: the person's id.
        email: the e-mail address.
        attributes: all other attributes, as in an identify call.
        created_at: the time of the person's creation.
        unsubscribed: true for a person who wants no messages.
        anonymous_id: earlier anonymous events with this id become the person's.
        suppressed: true to block the id and email; then no person is created.
        devices: each ``{"token", "platform", "last_used"?, "attributes"?}``.
        events: each ``{"name", "type"?, "data"?, "id"?, "timestamp"?}``, as in the Track API.
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
        attributes: its attributes.
    """

    type: str
    id: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """A transactional message.

    Attributes:
        name: its trigger name, for sends.
        channel: ``email`` or ``push``.
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
    """A campaign. People start in it by an event or by entering a segment.

    Attributes:
        id: its number.
        name: its name.
        type: its type; only ``event`` and ``segment`` start people here.
        state: only a running campaign sends.
        event_name: the trigger event of type ``event``.
        trigger_segment_ids: the trigger segments of type ``segment``.
        filter_segment_ids: only people who are in all of these segments start.
        actions: its messages, each an ``Action``.
        description: a text for readers.
        tags: tags for readers.
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
        id: its number, which no campaign may have.
        name: its name.
        default_recipients: the audience filter of a trigger without an audience.
        state: only a running broadcast can be triggered.
        actions: its messages, each an ``Action``.
        description: a text for readers.
        tags: tags for readers.
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
    """The lists of a seed."""

    segments: list[dict[str, Any]] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    templates: list[dict[str, Any]] = field(default_factory=list)
    campaigns: list[dict[str, Any]] = field(default_factory=list)
    broadcasts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Kind(Generic[Entry]):
    """A list of a seed: its name, the class of its entries, and the function that adds one."""

    name: str
    entry: type[Entry]
    add: Callable[[Workspace, Entry], None]


def add(ws: Workspace, seed: Mapping[str, Any]) -> dict[str, int]:
    """Add a seed's entries; returns the number of each kind.

    Raises:
        ValueError: an entry is invalid; the text says which, and why.
    """
    try:
        json.dumps(seed, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("seed must be what JSON can hold") from None
    lists = vars(declared.read(Seed, seed, "seed"))
    with ws.store.savepoint():
        return {kind.name: _add_all(ws, kind, lists[kind.name]) for kind in _KINDS}


def _add_all(ws: Workspace, kind: _Kind[Any], entries: list[dict[str, Any]]) -> int:
    for number, entry in enumerate(entries):
        where = f"seed.{kind.name}[{number}]"
        read = declared.read(kind.entry, entry, where)
        with _explained(ws, where):
            kind.add(ws, read)
    return len(entries)


@contextmanager
def _explained(ws: Workspace, where: str) -> Iterator[None]:
    """Turn all failures of an entry into a ValueError that says where it is."""
    try:
        yield
    except Refused as refused:
        raise ValueError(f"{where}: {refused.message}") from None
    except sqlite3.IntegrityError:
        raise ValueError(f"{where}: its number or name is taken") from None
    except ValueError as error:
        raise ValueError(f"{where}.{error}") from None
    if ws.quiet_failures:
        raise ValueError(f"{where}: {ws.reason}")


def _segment(ws: Workspace, segment: Segment) -> None:
    if segment.conditions is not None:
        _check_filter(ws, segment.conditions)
    segments.create(
        ws, NewSegment(segment.name, segment.description, segment.conditions, segment.id)
    )


def _check_filter(ws: Workspace, value: dict[str, Any]) -> None:
    """Refuse an invalid filter, and one with a missing segment, such as the one to be added."""
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
    """Block both identifiers, by creating the person and suppressing them."""
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
        segments.add_members(ws, number, [row["cio_id"]], "cio_id")
    for event in person.events:
        events.add(ws, events.read(ws, event), row)


def _template(ws: Workspace, template: Template) -> None:
    new = NewTemplate(template.name, template.channel, template.content, template.id)
    templates.add(ws, new)


def _actions(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [vars(declared.read(Action, each, f"actions[{n}]")) for n, each in enumerate(given)]


def _campaign(ws: Workspace, campaign: Campaign) -> None:
    for number in (*campaign.trigger_segment_ids, *campaign.filter_segment_ids):
        segments.get(ws, number)
    members: dict[str, Any] = {"filter_segment_ids": campaign.filter_segment_ids}
    if campaign.type == "segment":
        members["trigger_segment_ids"] = campaign.trigger_segment_ids
    new = _new_campaign(campaign, campaign.type, members)
    campaigns.add(ws, replace(new, event_name=campaign.event_name))


def _broadcast(ws: Workspace, broadcast: Broadcast) -> None:
    _check_filter(ws, broadcast.default_recipients)
    members = {"default_recipients": broadcast.default_recipients}
    campaigns.add(ws, _new_campaign(broadcast, "triggered_broadcast", members))


def _new_campaign(each: Campaign | Broadcast, kind: str, members: dict[str, Any]) -> NewCampaign:
    members = {**members, "description": each.description, "tags": each.tags}
    return NewCampaign(each.id, each.name, kind, _actions(each.actions), each.state, None, members)


_KINDS: tuple[_Kind[Any], ...] = (  # in the order in which they are added
    _Kind("segments", Segment, _segment),
    _Kind("objects", Object, _object),
    _Kind("people", Person, _person),
    _Kind("templates", Template, _template),
    _Kind("campaigns", Campaign, _campaign),
    _Kind("broadcasts", Broadcast, _broadcast),
)

ENTRIES: Mapping[str, type[Any]] = {kind.name: kind.entry for kind in _KINDS}
"""What the entries of each list of a seed are read into."""
