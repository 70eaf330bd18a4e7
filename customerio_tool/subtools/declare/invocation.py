"""The moment of one call: its time, its workspace and its fresh id."""

from __future__ import annotations

from dataclasses import dataclass

from customerio_tool.subtools.declare.identifiers import hashed_ulid, is_ulid

CLOCK_SLACK_SECONDS = 60
"""How far Customer.io's clock may be behind ours where a thing is looked for by its age."""


@dataclass(frozen=True)
class Invocation:
    """What is fixed once per call, before its first attempt, so that every attempt is the same.

    Args:
        now: Unix time in seconds at which the call began.
        workspace: A digest that tells one workspace from another.
        ulid: A fresh ULID.
    """

    now: float
    workspace: str
    ulid: str

    @property
    def now_seconds(self) -> int:
        """The time of the call in whole Unix seconds."""
        return int(self.now)

    @property
    def search_from(self) -> float:
        """The Unix time in seconds from which on a thing may have been made by this call."""
        return self.now - CLOCK_SLACK_SECONDS

    def event_id(self, given: str | None, person: str, name: str) -> str:
        """Return the ULID of an event: the caller's, one hashed from the caller's text, or new."""
        if given is None:
            return self.ulid
        # The two cases of a ULID are one; whether Customer.io compares them so is UNVERIFIED.
        return given.upper() if is_ulid(given) else hashed_ulid(self.workspace, person, name, given)
