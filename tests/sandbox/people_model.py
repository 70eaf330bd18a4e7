"""What is documented of people, in plain Python: the other half of the comparison.

It shares no code with the sandbox, and its sources are the same: T, MG, RA and ID, which
`customerio_tool.sandbox` names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Name = tuple[str, str]  # a kind of identifier (id, email) and its value
DAY = 86400


@dataclass(eq=False)
class Person:
    """One person as the documentation has them; events are (label, age at arrival in days)."""

    names: dict[str, str]
    values: dict[str, str] = field(default_factory=dict)
    events: list[tuple[str, int]] = field(default_factory=list)
    segments: set[int] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    cio_id: str = ""  # read from the sandbox when first seen; it must never change


def key(name: Name) -> Name:
    """E-mail compares without case, an id with it."""
    return (name[0], name[1].lower()) if name[0] == "email" else name


class Workspace:
    """All people, and the identifiers that are blocked, by the group they were blocked in."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.blocked: list[set[Name]] = []

    def find(self, name: Name) -> Person | None:
        for person in self.people:
            if name[0] == "cio_id" and person.cio_id == name[1]:
                return person
            own = person.names.get(name[0])
            if own is not None and key((name[0], own)) == key(name):
                return person
        return None

    def is_blocked(self, *names: Name) -> bool:
        return any(key(name) in group for group in self.blocked for name in names)

    def reach(self, name: Name, *, create: bool) -> Person | None:
        """The person a call is for: nobody when suppressed, new where that is allowed."""
        if self.is_blocked(name):
            return None
        person = self.find(name)
        if person is None and create and name[0] != "cio_id":
            person = Person({name[0]: name[1]})
            self.people.append(person)
        return person

    def identify(
        self, path: Name, body: list[Name], values: dict[str, str], *, update: bool
    ) -> None:
        if self.is_blocked(path, *body):
            return
        person = self.find(path)
        if person is None and path[0] == "cio_id":
            return
        if person is None:
            owners = [owner for name in body if (owner := self.find(name)) is not None]
            if owners:
                person = owners[0]
                person.names[path[0]] = path[1]
            elif update:
                return
            else:
                person = self.reach(path, create=True)
        assert person is not None
        person = self._merged(path, body) or person
        for name in body:
            self._name(person, name, by_cio_id=path[0] == "cio_id")
        merged = {**person.values, **values}
        person.values = {each: value for each, value in merged.items() if value}

    def _merged(self, path: Name, body: list[Name]) -> Person | None:
        """The older of two people who lack what the other has, after the younger went into it."""
        found = [self.find(name) for name in {**dict(body), path[0]: path[1]}.items()]
        if path[0] == "cio_id" or len(found) < 2 or None in found or found[0] is found[1]:
            return None
        kept, gone = sorted((one for one in found if one), key=self.people.index)
        if kept.names.keys() & {"id", "email"} & gone.names.keys() or len(kept.names) > 1:
            return None
        self._fold(kept, gone)
        return kept

    def _name(self, person: Person, name: Name, *, by_cio_id: bool) -> None:
        taken = self.find(name) not in (None, person)
        has_one = name[0] in person.names
        same = has_one and key((name[0], person.names[name[0]])) == key(name)
        if not taken and not same and (not has_one or by_cio_id):
            person.names[name[0]] = name[1]

    def delete(self, name: Name) -> None:
        person = self.find(name)
        if person is not None:
            self.people.remove(person)

    def suppress(self, name: Name) -> None:
        person = self.find(name)
        names: Iterable[Name] = [name] if person is None else person.names.items()
        self.delete(name)
        fresh = {key(each) for each in names if each[0] != "cio_id" and not self.is_blocked(each)}
        if fresh:
            self.blocked.append(fresh)

    def unsuppress(self, name: Name) -> None:
        self.blocked = [group for group in self.blocked if key(name) not in group]

    def track(self, name: Name, label: str, age: int) -> None:
        person = self.reach(name, create=True)
        if person is not None:
            person.events.append((label, age))

    def merge(self, primary: Name, secondary: Name) -> None:
        if self.is_blocked(primary, secondary):
            return
        kept, gone = self.find(primary), self.find(secondary)
        if kept is None or gone is None or kept is gone:
            return
        self._fold(kept, gone)

    def _fold(self, kept: Person, gone: Person) -> None:
        kept.values = {**gone.values, **kept.values}
        kept.events += [event for event in gone.events if event[1] <= 30]
        kept.segments |= gone.segments
        self.people.remove(gone)
        kept.names = {**gone.names, **kept.names}

    def add_device(self, name: Name, token: str) -> None:
        person = self.reach(name, create=True)
        if person is not None:
            person.devices.add(token)

    def delete_device(self, name: Name, token: str) -> None:
        person = self.reach(name, create=False)
        if person is not None:
            person.devices.discard(token)

    def change_segment(self, names: list[Name], segment: int, *, add: bool) -> None:
        for name in names:
            person = self.reach(name, create=False)
            if person is not None:
                (person.segments.add if add else person.segments.discard)(segment)
