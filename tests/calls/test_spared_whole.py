"""Counts and single uses in a ledger with a spare: what holds where the ledger is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import Entry, LedgerLost, Unit
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.spared import SparedLedger
from customerio_tool.errors import LedgerUnavailable

NOW = 1_763_900_000.0
ENTRY = Entry("sent", "f", NOW, NOW, NOW + 600)


class Ledger(MemoryLedger):
    """A ledger that can be lost, and that keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.is_lost = False
        self.asked: list[tuple[Any, ...]] = []

    def _ask(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.is_lost:
            raise LedgerLost("the disk is full")

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        self._ask("claim", key, entry, now)
        return super().claim(key, entry, now)

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        self._ask("take", unit, allowed, now)
        return super().take(unit, allowed, now)

    def taken(self, count: str, now: float) -> int:
        self._ask("taken", count, now)
        return super().taken(count, now)

    def give_back(self, unit: Unit) -> None:
        self._ask("give_back", unit)
        super().give_back(unit)


def unit(name: str) -> Unit:
    return Unit("monday", name, NOW + 600)


def spared(ledger: Ledger, *, best_effort: bool = False) -> SparedLedger:
    backends = Backends(ledger=ledger, best_effort=best_effort)
    return SparedLedger(backends, "the count of sends")


def test_a_unit_is_taken_of_both_or_of_neither() -> None:
    shared = Ledger()
    ours, theirs = spared(shared), spared(shared)
    assert ours.taken("monday", NOW) == 0
    assert ours.take(unit("a"), 2, NOW)
    assert theirs.take(unit("b"), 2, NOW)
    assert not ours.take(unit("c"), 2, NOW)
    assert (ours.taken("monday", NOW), theirs.taken("monday", NOW)) == (2, 2)
    ours.give_back(unit("a"))
    assert shared.taken("monday", NOW) == 1
    assert ours.take(unit("c"), 2, NOW), "what was refused before has taken nothing"
    assert shared.asked[:2] == [("taken", "monday", NOW), ("take", unit("a"), 2, NOW)]


def test_without_its_ledger_a_count_is_refused_and_nothing_stays_taken() -> None:
    ledger = Ledger()
    counts = spared(ledger)
    ledger.is_lost = True
    words = "Nothing was sent: the ledger that keeps the count of sends cannot be used."
    asks: list[Callable[[], object]] = [
        lambda: counts.take(unit("a"), 1, NOW),
        lambda: counts.claim("token", ENTRY, NOW),
        lambda: counts.taken("monday", NOW),
    ]
    for ask in asks:
        with pytest.raises(LedgerUnavailable) as lost:
            ask()
        assert str(lost.value) == words
    ledger.is_lost = False
    assert counts.taken("monday", NOW) == 0
    assert counts.take(unit("b"), 1, NOW)
    assert counts.claim("token", ENTRY, NOW)
    assert ("claim", "token", ENTRY, NOW) in ledger.asked


def test_with_best_effort_this_process_goes_on_by_what_it_counted_itself() -> None:
    ledger = Ledger()
    counts = spared(ledger, best_effort=True)
    assert counts.take(unit("a"), 3, NOW)
    assert counts.claim("first", ENTRY, NOW)
    ledger.is_lost = True
    assert counts.take(unit("b"), 3, NOW)
    assert counts.taken("monday", NOW) == 2
    assert counts.take(unit("c"), 3, NOW)
    assert not counts.take(unit("d"), 3, NOW)
    assert counts.claim("second", ENTRY, NOW)
    for key in ("first", "second"):
        assert not counts.claim(key, ENTRY, NOW)
    counts.give_back(unit("a"))
    assert counts.taken("monday", NOW) == 2
    ledger.is_lost = False
    assert counts.taken("monday", NOW) == 2, "the larger of both counts"
    assert not counts.claim("second", ENTRY, NOW)
    assert ledger.find("second", NOW) is None


def test_a_use_that_the_others_know_is_refused_here_too() -> None:
    shared = Ledger()
    ours, theirs = spared(shared), spared(shared)
    assert ours.claim("token", ENTRY, NOW)
    assert not theirs.claim("token", ENTRY, NOW)
    assert not ours.claim("token", ENTRY, NOW)
    assert shared.find("token", NOW) == ENTRY


def test_a_unit_that_is_given_back_without_a_ledger_stays_taken_there_and_no_call_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ledger = Ledger()
    counts = spared(ledger)
    assert counts.take(unit("a"), 1, NOW)
    ledger.is_lost = True
    counts.give_back(unit("a"))
    assert "was lost" in caplog.text
    ledger.is_lost = False
    assert ledger.taken("monday", NOW) == 1
    assert not counts.take(unit("b"), 1, NOW)
    assert counts.take(unit("a"), 1, NOW), "the same unit again is no other"


def test_a_unit_is_given_back_where_the_ledger_fails_in_another_way() -> None:
    class Broken(Ledger):
        def take(self, unit: Unit, allowed: int, now: float) -> bool:
            raise RuntimeError("a bug of the host's ledger")

    counts = spared(Broken())
    with pytest.raises(RuntimeError):
        counts.take(unit("a"), 1, NOW)
    assert counts._spare.taken("monday", NOW) == 0
