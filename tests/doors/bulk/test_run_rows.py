"""`run_rows`, a plain function that may run twice with the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from customerio_tool import SqliteLedger, bulk
from customerio_tool.errors import ArgumentsInvalid, ConfirmationRequired, SubtoolUnknown
from customerio_tool.sandbox import Sandbox
from tests.support.bulk import applied_events, applied_mails, events, mails, quick


def numbered(rows: list[dict[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    return list(enumerate(rows, 1))


def states(outcomes: list[bulk.Outcome]) -> dict[int, str]:
    return {each.row.number: each.state for each in outcomes}


def test_rows_that_are_delivered_twice_are_applied_once(sandbox: Sandbox, tmp_path: Path) -> None:
    recorded, sent = numbered(events(6, bad=[2])), numbered(mails(6, bad=[3]))
    for _ in range(2):  # each time in a process of its own, which shares the ledger
        ledger = SqliteLedger(tmp_path / "sends.sqlite")
        with quick(sandbox, ledger=ledger) as tool:
            job = bulk.Job("monday", "track_event")
            assert states(bulk.run_rows(job, recorded, tool=tool))[2] == "rejected"
            job = bulk.Job("monday", "send_transactional_email")
            assert states(bulk.run_rows(job, sent, tool=tool))[3] == "rejected"
    assert set(applied_events(sandbox).values()) == {1}
    assert applied_mails(sandbox) == {f"p{n}@example.com": 1 for n in (1, 2, 4, 5, 6)}
    with quick(sandbox) as tool:
        bulk.run_rows(bulk.Job("tuesday", "track_event"), recorded, tool=tool)
    assert set(applied_events(sandbox).values()) == {2}, "another job, so other events"


def test_rows_that_wait_are_told_and_none_is_tried_after_one_that_stops(sandbox: Sandbox) -> None:
    job, rows = bulk.Job("monday", "track_event"), numbered(events(4))
    sandbox.fault(api="track", status=503, times=3)
    with quick(sandbox) as tool:
        assert states(bulk.run_rows(job, rows, tool=tool)) == {
            1: "waiting",
            **dict.fromkeys((2, 3, 4), "done"),
        }
        sandbox.fault(api="track", status=401)
        seen = len(sandbox.requests())
        stopped = bulk.run_rows(job, rows, tool=tool)
    assert states(stopped) == {1: "stopped", **dict.fromkeys((2, 3, 4), "waiting")}
    assert len(sandbox.requests()) == seen + 1


def test_a_job_that_no_row_could_be_applied_with_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ArgumentsInvalid, match="only reads"):
        bulk.Job("x", "list_segments")
    with pytest.raises(ArgumentsInvalid, match="is blank"):
        bulk.Job(" ", "track_event")
    with pytest.raises(SubtoolUnknown):
        bulk.Job("x", "nothing")
    with quick(sandbox) as tool, pytest.raises(bulk.JournalLost, match="outlives this process"):
        bulk.run_rows(bulk.Job("x", "send_transactional_email"), [], tool=tool)
    with quick(sandbox, policy="careful") as tool, pytest.raises(ConfirmationRequired):
        bulk.run_rows(bulk.Job("x", "delete_customer"), [], tool=tool)
    with (
        quick(sandbox, policy={"dry_run": True}) as tool,
        pytest.raises(Exception, match="dry run"),
    ):
        bulk.run_rows(bulk.Job("x", "track_event"), [], tool=tool)


def test_a_key_of_the_rows_own_stays(sandbox: Sandbox) -> None:
    own = "01JD5T3Q6C9W4Y2M8K7H1N0PZX"
    rows = numbered([{**row, "event_id": own} for row in events(1)])
    with quick(sandbox) as tool:
        (done,) = bulk.run_rows(bulk.Job("x", "track_event"), rows, tool=tool)
    assert done.result["event_id"] == own
