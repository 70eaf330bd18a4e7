"""The facts that stay the same for all attempts of one call."""

from __future__ import annotations

from collections.abc import Collection

from customerio_tool.records import record
from customerio_tool.subtools.declare.identifiers import hashed_ulid, is_ulid

CLOCK_SLACK_SECONDS = 300
"""How far Customer.io's clock may be behind ours; a search by creation time begins this early."""


@record(frozen=True)
class Invocation:
    """The facts of one call, fixed before its first attempt so that all attempts are the same.

    Args:
        now: When the call began, in Unix seconds.
        workspace: A digest of the workspace; each workspace has its own.
        ulid: A fresh ULID.
        lookups: The names of the look-ups that may run, which errors may advise.
    """

    now: float
    workspace: str
    ulid: str
    lookups: Collection[str] = ()

    @property
    def now_seconds(self) -> int:
        """When the call began, in whole Unix seconds."""
        return int(self.now)

    @property
    def search_from(self) -> float:
        """The earliest creation time, in Unix seconds, of anything that this call created."""
        return self.now - CLOCK_SLACK_SECONDS

    def event_id(self, given: str | None, person: str, name: str) -> str:
        """Return the ULID of an event.

        Args:
            given: The caller's id of the event: a ULID is used as it is, any other text is hashed
                with the workspace, person and name. None means a fresh ULID.
            person: The identifier of the event's person.
            name: The event's name.
        """
        if given is None:
            return self.ulid
        # Case does not matter in a ULID; whether Customer.io ignores it too is UNVERIFIED.
        return given.upper() if is_ulid(given) else hashed_ulid(self.workspace, person, name, given)
