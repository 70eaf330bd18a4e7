"""`Work`, the protocol of what hands out the rows of a job and keeps what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from customerio_tool.doors.bulk.rows import Outcome, Row


@dataclass(frozen=True)
class Counts:
    """How many rows of a job there are in each state.

    Args:
        total: All rows.
        done: Those that Customer.io has.
        rejected: Those that cannot be applied as they are.
        unknown: Those that may have been applied.
    """

    total: int
    done: int = 0
    rejected: int = 0
    unknown: int = 0

    @property
    def settled(self) -> int:
        """The number of rows that nothing more is done about."""
        return self.done + self.rejected + self.unknown

    @property
    def pending(self) -> int:
        """The number of rows that are still to be applied."""
        return max(0, self.total - self.settled)


class Work(Protocol):
    """Hands out the rows of a job; used by one thread. Each method may raise `JournalLost`."""

    def take(self, most: int, *, is_idle: bool) -> list[Row] | None:
        """Return the next rows; each is handed out again if this process dies before it is settled.

        Args:
            most: The most rows to return.
            is_idle: Whether nothing else is to be done, so that it may wait for a moment.

        Returns:
            An empty list if there are none just now, and None if there will be none.

        Raises:
            InputChanged: The input changed since the job began.
        """

    def begin(self, rows: Sequence[Row]) -> None:
        """Note that these rows may be applied from now on."""

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what became of rows, and never hand them out again; all of them or none."""

    def agree(self) -> None:
        """Keep that a person agreed to the job."""

    def counts(self) -> Counts:
        """Return how many rows there are in each state, among all who work on the job."""

    def is_cancelled(self) -> bool:
        """Whether somebody cancelled the job."""

    def left_out(self, state: str) -> Iterator[dict[str, Any]]:
        """Yield what is kept of the rows in a state, in order: see `Outcome.kept`."""

    def close(self) -> None:
        """End the work of this process."""
