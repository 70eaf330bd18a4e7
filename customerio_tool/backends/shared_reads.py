"""Equal reads under way at once are one request, whose answer may live on for a while."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from customerio_tool.deadline import Deadline
from customerio_tool.errors import Cancelled, Unreachable
from customerio_tool.locks import ForkSafeLock, renew_in_child

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
_Key: TypeAlias = tuple[str, Hashable]

_MOST_KEPT = 256


class _Flight:
    """One read: its answer, or None if it failed; and until when it serves those who come."""

    def __init__(self, ends_at: float) -> None:
        from concurrent.futures import Future  # most processes make no such read

        self.ends_at = ends_at
        self.answer: Future[Any] = Future()


class SharedReads:
    """Lets calls that read the same thing of a workspace share one answer; safe for threads.

    No call gets an answer from before a write of this process to that workspace. A failure is not
    shared: the next of those who wait reads for itself. Nobody joins a read whose deadline has
    passed: what made it may have been killed.

    Args:
        keep_seconds: How long an answer serves later calls, in seconds; by default it serves only
            those that came while it was awaited. What others write, and what Customer.io applies
            after it has accepted it, is then seen that much later.

    Raises:
        ValueError: `keep_seconds` is negative or not finite.
    """

    def __init__(self, keep_seconds: float = 0.0) -> None:
        if not 0 <= keep_seconds < math.inf:
            raise ValueError("keep_seconds must be 0 or more, and finite")
        self._keep_seconds = keep_seconds
        self._flights: dict[_Key, _Flight] = {}
        self._lock = ForkSafeLock()
        renew_in_child(self._forget_all)

    def read(
        self,
        workspace: str,
        what: Hashable,
        make: Callable[[], T],
        deadline: Deadline,
        monotonic: Callable[[], float],
    ) -> T:
        """Return the answer of a read, made by this call or by an equal one.

        Args:
            workspace: The digest of the workspace.
            what: Equal for equal reads, and for no others: it tells by which credentials, from
                which host and under which rules they are made.
            make: Makes the read; it raises if that fails.
            deadline: The deadline of this call.
            monotonic: The clock that `keep_seconds` is measured by.

        Raises:
            Cancelled: The host cancelled this call while it waited for another's answer.
            Unreachable: The deadline came before that answer.
        """
        key = (workspace, what)
        while True:
            flight, is_mine = self._joined(key, deadline, monotonic())
            if is_mine:
                return self._made(key, flight, make, monotonic)
            answer: T | None = _waited_for(flight.answer, deadline)
            if answer is not None:
                return answer

    def forget(self, workspace: str) -> None:
        """Share no answer with later calls that was asked for before now: the workspace changed."""
        with self._lock:
            for key in [key for key in self._flights if key[0] == workspace]:
                del self._flights[key]

    def _joined(self, key: _Key, deadline: Deadline, now: float) -> tuple[_Flight, bool]:
        """Return the read under this key, and whether it is this call that must make it."""
        with self._lock:
            found = self._flights.get(key)
            if found and found.ends_at > now:
                return found, False
            made = self._flights[key] = _Flight(now + deadline.left())
            return made, True

    def _made(
        self, key: _Key, flight: _Flight, make: Callable[[], T], monotonic: Callable[[], float]
    ) -> T:
        answer: T | None = None
        try:
            answer = make()
            return answer
        finally:
            ends_at = monotonic() + self._keep_seconds
            with self._lock:
                flight.ends_at = ends_at
                if answer is None or not self._keep_seconds:
                    self._drop(key, flight)
                elif len(self._flights) > _MOST_KEPT:
                    self._drop_ended()
            flight.answer.set_result(answer)

    def _drop(self, key: _Key, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    def _drop_ended(self) -> None:
        """Drop the answers, but not what is awaited; a later call reads again."""
        for key, flight in list(self._flights.items()):
            if flight.answer.done():
                del self._flights[key]

    def _forget_all(self) -> None:
        """Forget what the parent of a fork awaits: its threads are not in the child."""
        self._flights = {}


def _waited_for(answer: Future[Any], deadline: Deadline) -> Any:
    if deadline.awaits(answer):
        return answer.result()
    if deadline.is_cancelled():
        raise Cancelled("The call was cancelled.")
    raise Unreachable(
        "Another call makes the same read, and its answer did not come in time, so this one sent "
        "nothing."
    )
