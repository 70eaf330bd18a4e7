"""An entry and a count at a time: what is overdue, what has expired, what a store may hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customerio_tool.backends.ledger.entry import MAX_ENTRY, Entry, EntrySpoilt, Unit
from customerio_tool.backends.ledger.memory import MemoryLedger

STARTED = Entry("started", "digest", started_at=0, ends_at=30, expires_at=90, facts={"id": 1})


@pytest.mark.parametrize(("now", "state"), [(29.9, "started"), (30, "unknown"), (89, "unknown")])
def test_a_call_past_its_deadline_has_an_unknown_outcome(now: float, state: str) -> None:
    assert STARTED.as_of(now).state == state


@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_a_call_that_ended_stays_what_it_is(state: str) -> None:
    ended = Entry.from_json(json.dumps({**STARTED.as_json(), "state": state}))
    assert ended.as_of(1e9) == ended


@pytest.mark.parametrize("time", [0, 0.5, 99_999_999_999])
def test_an_entry_is_the_same_after_it_was_stored(time: float) -> None:
    entry = Entry("sent", "digest", time, time, time, {"id": 1})
    assert Entry.from_json(json.dumps(entry.as_json())) == entry


@pytest.mark.parametrize("time", [-1, -1e-9, 1e11, float("inf"), float("nan"), True, "0", None])
@pytest.mark.parametrize("name", ["started_at", "ends_at", "expires_at"])
def test_a_time_that_no_calendar_has_is_no_entrys(name: str, time: object) -> None:
    with pytest.raises(EntrySpoilt, match=r"^the store contains a value that is not a ledger "):
        Entry.from_json(json.dumps({**STARTED.as_json(), name: time}))


NO_MEMBERS: dict[str, list[Any]] = {
    "state": ["done", None, []],
    "fingerprint": [7, None],
    "facts": [[], None, "id"],
}
NO_ENTRIES = [
    *(
        json.dumps({**STARTED.as_json(), name: value})
        for name, values in NO_MEMBERS.items()
        for value in values
    ),
    *("", "[]", "7", "{", json.dumps(STARTED.as_json()).ljust(MAX_ENTRY + 1)),
]


@pytest.mark.parametrize("text", NO_ENTRIES, ids=range(len(NO_ENTRIES)))
def test_what_is_no_entry_is_told_as_that(text: str) -> None:
    with pytest.raises(EntrySpoilt, match=r"^the store contains a value that is not a ledger "):
        Entry.from_json(text)


def test_the_longest_entry_is_one() -> None:
    assert Entry.from_json(json.dumps(STARTED.as_json()).ljust(MAX_ENTRY)) == STARTED


def test_in_memory_a_count_that_has_expired_is_none_before_it_is_forgotten() -> None:
    ledger = MemoryLedger()
    assert ledger.take(Unit("run", "one", 90.0), allowed=1, now=0.0)
    assert not ledger.take(Unit("run", "two", 90.0), allowed=1, now=89.0)
    assert ledger.taken("run", now=89.0) == 1
    assert ledger.taken("run", now=90.0) == 0
    assert ledger.take(Unit("run", "two", 180.0), allowed=1, now=90.0)
    assert ledger.taken("run", now=91.0) == 1
