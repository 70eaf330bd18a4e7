"""What a call changed in the sandbox, as a person reads it: by person, segment and delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]

_NOT_YET = "not applied yet"
_WORDS: Mapping[str, tuple[str, str]] = {
    "people": ("person", "people"),
    "devices": ("device", "devices"),
    "events": ("event", "events"),
    "anonymous_ids": ("anonymous id", "anonymous ids"),
    "suppressions": ("suppressed identifier", "suppressed identifiers"),
    "objects": ("object", "objects"),
    "relationships": ("relationship", "relationships"),
    "segments": ("segment", "segments"),
    "members": ("segment membership", "segment memberships"),
    "templates": ("transactional message", "transactional messages"),
    "triggers": ("trigger of a broadcast", "triggers of a broadcast"),
    "deliveries": ("delivery", "deliveries"),
}
_INNER = frozenset({"pk", "person", "created"})
"""Members of rows that say nothing to a person."""


@dataclass(frozen=True)
class Line:
    """One thing that changed.

    Args:
        name: What it is.
        before: What it was; None if it was not there.
        after: What it is; None if it is gone.
    """

    name: str
    before: Any
    after: Any

    @property
    def sign(self) -> str:
        """Whether it came, went or changed, as a sign."""
        if self.before is None:
            return "+"
        return "−" if self.after is None else "~"  # noqa: RUF001 - the sign, and no hyphen


@dataclass
class Subject:
    """Somebody or something that changed, and in what.

    Args:
        kind: What it is.
        title: Its name.
        path: Its page in the console; empty if it has none, or is gone.
        what: What became of it as a whole; empty if only a part of it changed.
        lines: What changed of it.
    """

    kind: str
    title: str
    path: str = ""
    what: str = ""
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Delivery:
    """A message that was made.

    Args:
        id: Its id.
        type: Its channel.
        subject: Its subject or title.
        recipient: To whom it goes.
        source: What made it.
        state: Whether it is a draft, or why it failed; empty if neither.
    """

    id: str
    type: str
    subject: str
    recipient: str
    source: str
    state: str


@dataclass(frozen=True)
class Effect:
    """The effect of a call.

    Args:
        summary: How much changed, in words; empty if nothing did.
        subjects: Who and what changed.
        deliveries: The messages that were made.
        kept: How many earlier deliveries belong to somebody else now, or to nobody.
        reasons: Why a request had no effect, or only part of it.
        due: The time of the sandbox at which a delayed write is applied; None if there is none.
        more: How many changes are not shown.
    """

    summary: str
    subjects: tuple[Subject, ...]
    deliveries: tuple[Delivery, ...]
    kept: int
    reasons: tuple[str, ...]
    due: float | None
    more: int


def effect_of(found: Row) -> Effect:
    """Return the effect of a call from what the sandbox tells of its requests."""
    subjects: dict[tuple[str, Any], Subject] = {}
    deliveries, kept = [], 0
    changes = found["changes"]
    for change in sorted(changes, key=lambda each: each["table"] not in ("people", "segments")):
        if change["table"] != "deliveries":
            _tell(subjects, change)
        elif change["before"] is None:
            deliveries.append(_delivery(change["after"]))
        else:
            kept += 1
    counts = {name: n for name, n in found["counts"].items() if name in _WORDS}
    counts["deliveries"] = counts.get("deliveries", 0) - kept
    return Effect(
        _summary(counts),
        tuple(subjects.values()),
        tuple(deliveries),
        kept,
        tuple(_reasons(found)),
        found["due"],
        sum(counts.values()) + kept - len(changes),
    )


def _summary(counts: Mapping[str, int]) -> str:
    ordered = [name for name in _WORDS if counts.get(name)]
    return ", ".join(f"{counts[name]:,} {_WORDS[name][counts[name] > 1]}" for name in ordered)


def _reasons(found: Row) -> Iterator[str]:
    told = set()
    for each in found["quiet"]:
        told.add(each["reason"])
        about = f": {each['subject']}" if each["subject"] else ""
        yield f"Quietly: {each['reason']}{about}"
    for request in found["requests"]:
        reason = request["reason"]
        if not reason or reason == _NOT_YET or told & set(reason.split("; ")):
            continue
        if request["fault"]:
            yield f"A fault hit request {request['n']}: {request['fault']}"
        else:
            is_refused = (request["status"] or 0) >= HTTPStatus.BAD_REQUEST
            yield f"{'Refused' if is_refused else 'Quietly'}: {reason}"


def _delivery(row: Row) -> Delivery:
    state = "draft" if row["draft"] else ""
    return Delivery(
        id=row["id"],
        type=row["type"],
        subject=row["subject"] or "(no subject)",
        recipient=row["recipient"] or "",
        source=_source(row),
        state=row["failure_message"] or state,
    )


def _source(row: Row) -> str:
    if row["campaign"] is not None:
        return f"campaign {row['campaign']}"
    if row["broadcast"] is not None:
        return f"broadcast {row['broadcast']}, trigger {row['trigger_id']}"
    return "" if row["template"] is None else f"transactional message {row['template']}"


def _tell(subjects: dict[tuple[str, Any], Subject], change: Row) -> None:
    """Add a change to whom or what it is about."""
    key, make, lines = _ABOUT[change["table"]](change)
    subject = subjects.setdefault(key, make)
    subject.lines += lines


_Told: TypeAlias = tuple[tuple[str, Any], Subject, list[Line]]


def _became(change: Row) -> str:
    if change["before"] is None:
        return "new"
    return "gone" if change["after"] is None else ""


def _of_person(change: Row, lines: list[Line]) -> _Told:
    """Return lines about a person; of nobody yet, they are about an anonymous visitor."""
    who = change.get("person")
    if who is None:
        return ("anonymous", None), Subject("Anonymous", "not tied to a person"), lines
    return ("person", who["cio_id"]), _person(who), lines


def _person(who: Row, what: str = "") -> Subject:
    title = who["id"] or who["email"] or f"cio_{who['cio_id']}"
    path = "" if what == "gone" else f"console/people/{who['cio_id']}"
    return Subject("Person", title, path, what)


def _people(change: Row) -> _Told:
    before, after = change["before"] or {}, change["after"] or {}
    who = change["after"] or change["before"]
    names = ("id", "email", "cio_id")
    lines = list(_lines({n: before.get(n) for n in names}, {n: after.get(n) for n in names}))
    # A person who was never unsubscribed is nothing to tell of.
    were = bool(before.get("unsubscribed")), bool(after.get("unsubscribed"))
    lines += [Line("unsubscribed", *were)] if were[0] != were[1] else []
    lines += _lines(before.get("attributes", {}), after.get("attributes", {}))
    return ("person", who["cio_id"]), _person(who, _became(change)), lines


def _lines(before: Row, after: Row, prefix: str = "") -> Iterator[Line]:
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was != now:
            yield Line(f"{prefix}{name}", was, now)


def _part(name: Callable[[Row], str], value: Callable[[Row], Any]) -> Callable[[Row], _Told]:
    """Return what tells of a part of a person.

    Args:
        name: Returns what the part is, from its row.
        value: Returns what it holds.
    """

    def told(change: Row) -> _Told:
        before, after = change["before"], change["after"]
        was, now = (None if row is None else value(row) for row in (before, after))
        what = name(after or before)
        if was == now:  # it was another person's
            return _of_person(change, [Line(f"{what}, taken over", None, now)])
        return _of_person(change, [Line(what, was, now)])

    return told


def _event(row: Row) -> Any:
    who = f" of {row['anonymous_id']}" if row["anonymous_id"] else ""
    return {"name": row["name"], **row["data"]} if row["data"] else f"{row['name']}{who}"


def _device(row: Row) -> Any:
    return {"token": row["token"], **row["attributes"], "last_used": row["last_used"]}


def _members(change: Row) -> _Told:
    segment = change.get("segment") or {"id": (change["after"] or change["before"])["segment"]}
    who = change.get("person") or {}
    name = who.get("id") or who.get("email") or who.get("cio_id") or "somebody"
    line = Line("member", change["before"] and name, change["after"] and name)
    return ("segment", segment["id"]), _segment(segment), [line]


def _segment(row: Row, what: str = "") -> Subject:
    path = "" if what == "gone" else f"console/segments/{row['id']}"
    return Subject("Segment", row.get("name") or f"{row['id']}", path, what)


def _segments(change: Row) -> _Told:
    row = change["after"] or change["before"]
    lines = _lines(_shown(change["before"]), _shown(change["after"]))
    return ("segment", row["id"]), _segment(row, _became(change)), list(lines)


def _shown(row: Row | None) -> Row:
    """Return the members of a row that say something to a person; those of none are none."""
    return {n: each for n, each in (row or {}).items() if n not in _INNER and each != ""}


def _thing(kind: str, title: Callable[[Row], str], path: str = "") -> Callable[[Row], _Told]:
    """Return what tells of a thing that is nobody's.

    Args:
        kind: What it is.
        title: Returns its name, from its row.
        path: Its page in the console, with slots for the members of its row.
    """

    def told(change: Row) -> _Told:
        row = change["after"] or change["before"]
        name, what = title(row), _became(change)
        subject = Subject(kind, name, path.format(**row) if what != "gone" else "", what)
        return (
            (kind, name),
            subject,
            list(_lines(_shown(change["before"]), _shown(change["after"]))),
        )

    return told


_ABOUT: Mapping[str, Callable[[Row], _Told]] = {
    "people": _people,
    "devices": _part(lambda row: f"{row['platform']} device", _device),
    "events": _part(lambda row: "event" if row["type"] == "event" else row["type"], _event),
    "anonymous_ids": _part(lambda _: "anonymous_id", lambda row: row["anonymous_id"]),
    "relationships": _part(
        lambda row: f"object of type {row['type']}",
        lambda row: {"object_id": row["object"], **row["attributes"]},
    ),
    "members": _members,
    "segments": _segments,
    "suppressions": _thing("Suppression", lambda row: f"{row['kind']} {row['value']}"),
    "objects": _thing("Object", lambda row: f"{row['type']}/{row['id']}"),
    "templates": _thing("Transactional message", lambda row: row["name"]),
    "triggers": _thing(
        "Trigger",
        lambda row: f"{row['id']} of broadcast {row['broadcast']}",
        "console/broadcasts/{broadcast}",
    ),
}
