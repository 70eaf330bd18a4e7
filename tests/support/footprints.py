"""Knows whom a call reached or erased, from what the local Customer.io holds before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from customerio_tool import Backends, Clock, CustomerIoTool
from customerio_tool.sandbox import Clock as ServerClock
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace
from tests.support.retries import NOW

Names = frozenset[str]
"""All identifiers of one person, or what else is touched."""


@dataclass(frozen=True)
class Footprint:
    """What a call did to others.

    Args:
        reached: How many messages each person got.
        erased: The people, devices, segments and memberships that are gone, and who is blocked.
    """

    reached: Counter[Names] = field(default_factory=Counter)
    erased: frozenset[Names] = frozenset()


class Ground:
    """A workspace that is the same before each call."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        sandbox.snapshot("before")
        self.before = sandbox.state()
        self.people = [names_of(person) for person in self.before["people"]]
        self._seen: dict[str, Footprint | None] = {}

    def footprint(self, name: str, arguments: Mapping[str, Any]) -> Footprint | None:
        """Return what a call does; None if it is refused."""
        key = f"{name} {dict(arguments)!r}"
        if key not in self._seen:
            self._seen[key] = self._made(name, arguments)
        return self._seen[key]

    def _made(self, name: str, arguments: Mapping[str, Any]) -> Footprint | None:
        self.sandbox.restore("before")
        clock = Clock(now=self.sandbox.clock.now, sleep=lambda _: None)
        with CustomerIoTool(
            self.sandbox.connection(), backends=Backends(limiter=AnyPace()), clock=clock
        ) as tool:
            if not tool.call(name, arguments)["ok"]:
                return None
        self.sandbox.clock.advance(60)
        after = self.sandbox.state()
        return Footprint(self._reached(after), gone(self.before) - gone(after) | _blocked(after))

    def _reached(self, after: Mapping[str, Any]) -> Counter[Names]:
        known = {delivery["id"] for delivery in self.before["deliveries"]}
        new = [each for each in after["deliveries"] if each["id"] not in known]
        sent = [each for each in new if each["metrics"].keys() - {"created", "drafted"}]
        return Counter(
            frozenset(
                text
                for text in (*each["customer_identifiers"].values(), each["recipient"])
                if text is not None
            )
            for each in sent
        )


def ground() -> Ground:
    """Start a local Customer.io on which time stands still; the caller closes it."""
    return Ground(Sandbox(clock=ServerClock(frozen_at=NOW)).start())


def names_of(person: Mapping[str, Any]) -> Names:
    """Return the identifiers of a person."""
    return frozenset(str(person[name]) for name in ("id", "email", "cio_id") if person[name])


def gone(state: Mapping[str, Any]) -> frozenset[Names]:
    """Return everything that a call may erase."""
    people = {person["cio_id"]: names_of(person) for person in state["people"]}
    devices = [
        names_of(person) | {f"device {device['id']}"}
        for person in state["people"]
        for device in person["devices"]
    ]
    segments = [frozenset({f"segment {segment['id']}"}) for segment in state["segments"]]
    members = [
        people.get(member, frozenset({member})) | {f"in segment {segment['id']}"}
        for segment in state["segments"]
        for member in segment["members"] or ()
    ]
    return frozenset([*people.values(), *devices, *segments, *members])


def _blocked(state: Mapping[str, Any]) -> frozenset[Names]:
    return frozenset(frozenset({str(one["value"]), "blocked"}) for one in state["suppressions"])
