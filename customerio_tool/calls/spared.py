"""The ledger as calls use it for counts and single uses, with a spare for when it is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import Entry, LedgerLost, Unit
from customerio_tool.errors import LedgerUnavailable

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


class SparedLedger:
    """Counts and claims in the ledger that workers share, and in this process.

    If the ledger is lost, calls are refused; under `best_effort` this process goes on by what it
    has counted and claimed itself.

    Args:
        backends: The ledger, its spare, and `best_effort`.
        purpose: What the ledger keeps here, for the sentence of a refusal.

    Every method raises `LedgerUnavailable` if the ledger is lost and `best_effort` is false.
    """

    def __init__(self, backends: Backends, purpose: str) -> None:
        self._ledger = backends.ledger
        self._spare = backends.spare
        self._best_effort = backends.best_effort
        self._purpose = purpose

    def claim(self, key: str, entry: Entry, now: float) -> bool:
        """Claim a key for good, and return whether it was free."""
        if self._spare.claim(key, entry, now):
            return False
        try:
            return self._or_spare(lambda: self._ledger.claim(key, entry, now) is None, spare=True)
        except LedgerUnavailable:
            self._spare.release(key)
            raise

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        """Take a unit, and return whether its count had room."""
        if not self._spare.take(unit, allowed, now):
            return False
        is_taken = False
        try:
            is_taken = self._or_spare(lambda: self._ledger.take(unit, allowed, now), spare=True)
        finally:
            if not is_taken:
                self._spare.give_back(unit)
        return is_taken

    def taken(self, count: str, now: float) -> int:
        """Return how many units of a count are taken."""
        own = self._spare.taken(count, now)
        return max(own, self._or_spare(lambda: self._ledger.taken(count, now), spare=own))

    def give_back(self, unit: Unit) -> None:
        """Free a unit that certainly was not used; if the ledger is lost, it stays taken there."""
        self._spare.give_back(unit)
        try:
            self._ledger.give_back(unit)
        except LedgerLost as lost:
            logger.warning("the ledger was lost before a unit was given back (%s)", lost)

    def _or_spare(self, ask: Callable[[], _T], *, spare: _T) -> _T:
        """Return what the ledger answers; under `best_effort` the spare's answer if it is lost."""
        try:
            return ask()
        except LedgerLost as error:
            lost = error
        if not self._best_effort:
            raise LedgerUnavailable(
                f"Nothing was sent: the ledger that keeps {self._purpose} cannot be used."
            )
        logger.warning("this process alone keeps %s: the ledger is lost (%s)", self._purpose, lost)
        return spare
