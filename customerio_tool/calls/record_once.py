"""Records each event once, also if a model or host repeats the call.

Customer.io drops an event whose id it knows. If the answer to an event is lost, the ledger keeps
its id and time, and the identical call sends the same event. The memory of this process keeps them
too, for when the ledger is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from customerio_tool.backends.ledger.entry import Entry, EntrySpoilt, Ledger, LedgerLost
from customerio_tool.calls.call import Call
from customerio_tool.calls.message_keys import (
    RUN_SECONDS,
    WINDOW_SECONDS,
    digest_of,
    message_key,
)
from customerio_tool.errors import CustomerIoError, LedgerUnavailable
from customerio_tool.subtools.declare.identifiers import canonical, is_ulid
from customerio_tool.subtools.declare.vendor_json import Item

logger = logging.getLogger(__name__)


class RecordOnce:
    """Sends events through a ledger of those without an answer.

    Args:
        ledger: The store of event ids: for a day if the host names the run, else for 10 minutes,
            and longer by the time that Customer.io asks to wait, at most by a day.
        spare: The store of this process, for when that one is lost.
        now: Returns Unix time in seconds.
    """

    def __init__(self, ledger: Ledger, spare: Ledger, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._spare = spare
        self._now = now

    def run(self, call: Call[Any], send: Callable[[Call[Any]], Item]) -> Item:
        """Send an event, with the id and time of an identical call that got no answer.

        Args:
            call: A call of a subtool that records an event.
            send: Sends the event of a call and returns the success envelope.

        Raises:
            LedgerUnavailable: The ledger has an identical call whose id cannot be read.
            CustomerIoError: Raised by `send`. If the ledger could not keep the id, it says so.
        """
        event = self._resumed(call)
        try:
            result = send(event)
        except BaseException as error:
            doubtful = not isinstance(error, CustomerIoError) or error.took_effect == "unknown"
            wait = error.retry_after_seconds if isinstance(error, CustomerIoError) else None
            if doubtful and not self._keep(event, wait) and isinstance(error, CustomerIoError):
                error.add("Give it the event_id beside: the ledger that keeps ids is lost.")
            raise
        if event is not call:
            self._forget(event)
        return result

    def _resumed(self, call: Call[Any]) -> Call[Any]:
        """Return the call with the time and the id of an identical one that got no answer."""
        held = self._held(call)
        if held is None:
            return call
        ulid = held.facts.get("ulid")
        if not isinstance(ulid, str) or not is_ulid(ulid) or held.fingerprint != call.subtool.name:
            raise _unreadable()
        return replace(call, at=replace(call.at, now=held.started_at, ulid=ulid))

    def _held(self, call: Call[Any]) -> Entry | None:
        """Return the entry of an identical call that got no answer, if there is one."""
        key, now = _key(call), self._now()
        is_spoilt = False
        try:
            held = self._ledger.find(key, now)
        except EntrySpoilt:
            is_spoilt = True
        except LedgerLost as lost:
            logger.warning("%s goes on although the ledger is lost (%s)", call.subtool.name, lost)
            return self._spare.find(key, now)
        if is_spoilt:
            raise _unreadable()
        if held is None:  # another worker has repeated the call since
            self._spare.release(key)
        return held

    def _keep(self, call: Call[Any], wait: float | None) -> bool:
        """Keep the id for as long as the error asks to wait, and then for a repeat."""
        now = self._now()
        lasts = (RUN_SECONDS if call.context.run_id else WINDOW_SECONDS) + min(
            wait or 0.0, RUN_SECONDS
        )
        facts = {"ulid": call.at.ulid}
        entry = Entry("unknown", call.subtool.name, call.at.now, now, now + lasts, facts)
        self._spare.settle(_key(call), entry, now)
        try:
            self._ledger.settle(_key(call), entry, now)
        except LedgerLost as lost:
            logger.warning("the ledger was lost before the id of an event was kept (%s)", lost)
            return False
        return True

    def _forget(self, call: Call[Any]) -> None:
        """Let the next call be an event of its own."""
        self._spare.release(_key(call))
        try:
            self._ledger.release(_key(call))
        except LedgerLost as lost:
            logger.warning("the ledger was lost before an event was known as recorded (%s)", lost)


def _unreadable() -> LedgerUnavailable:
    return LedgerUnavailable(
        "Nothing was recorded now: the ledger has the same call as one whose answer was lost, but "
        "its entry cannot be read, so that a repeat could record the event twice."
    )


def _key(call: Call[Any]) -> str:
    """Return the key of an event: one for all spellings of it."""
    subtool, workspace = call.subtool, call.at.workspace
    given = {name: value for name, value in call.args if value not in (None, {})}
    if person := subtool.person_of(call.args):
        given[str(subtool.person_argument)] = canonical(person[1], person[0])
    event = digest_of(subtool.name, workspace, given)
    return message_key(subtool.name, workspace, event, call.context.run_id)
