"""A job on a file: each row once, what was left out, and how it goes on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.bulk import Hooks, Input, InputChanged, JobBusy, JournalLost, Options, run
from customerio_tool.doors.bulk.preparing import prepared
from customerio_tool.errors import ArgumentsInvalid, ConfirmationRequired, PolicyRefused
from customerio_tool.sandbox import Sandbox
from tests.support.bulk import (
    applied_events,
    applied_mails,
    events,
    lines_of,
    mails,
    quick,
    rows_in,
    written,
)

NOW = Options(patience=0.5)


def test_each_row_is_applied_once_and_the_same_file_again_applies_none(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = written(tmp_path / "events.jsonl", events(120, bad=[5, 77]))
    with quick(sandbox) as tool:
        first = run(tool, "track_event", Input.of(path, "track_event"))
        requests = len(sandbox.requests())
        again = run(tool, "track_event", Input.of(path, "track_event"))
    assert (first.counts.done, first.counts.rejected, first.ending) == (118, 2, "finished")
    assert again.counts == first.counts
    assert len(sandbox.requests()) == requests
    assert rows_in(first, "rejected") == [5, 77]
    assert set(applied_events(sandbox).values()) == {1}
    assert len(applied_events(sandbox)) == 118


def test_a_reject_file_once_corrected_is_an_input(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", events(20, bad=[3, 9]))
    with quick(sandbox) as tool:
        rejects = run(tool, "track_event", Input.of(path, "track_event")).files["rejected"]
        lines = lines_of(rejects)
        assert all("customer_id is blank" in line["reason"] for line in lines)
        for line in lines:
            line["arguments"]["customer_id"] = "mended"
        mended = written(tmp_path / "mended.jsonl", lines)
        assert run(tool, "track_event", Input.of(mended, "track_event")).counts.done == 2
    assert applied_events(sandbox) == dict.fromkeys(range(1, 21), 1)


def test_another_file_in_its_place_is_refused_until_it_is_asked_for(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = written(tmp_path / "events.jsonl", events(5))
    with quick(sandbox) as tool:
        run(tool, "track_event", Input.of(path, "track_event"))
        written(path, events(6))
        with pytest.raises(InputChanged, match="5 of 5 rows behind it"):
            run(tool, "track_event", Input.of(path, "track_event"))
        assert len(applied_events(sandbox)) == 5
        for _ in range(2):
            options = Options(changed=True)
            other = run(tool, "track_event", Input.of(path, "track_event"), options=options)
            assert other.counts.done == 6
        assert applied_events(sandbox) == {**dict.fromkeys(range(1, 6), 2), 6: 1}
        run(tool, "track_event", Input.of(path, "track_event"), options=Options(new=True))
    assert applied_events(sandbox) == {**dict.fromkeys(range(1, 6), 3), 6: 2}


def test_rows_of_one_person_are_applied_in_order(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = [{"customer_id": f"p{n % 3}", "attributes": {"n": n}} for n in range(90)]
    path = written(tmp_path / "people.jsonl", rows)
    with quick(sandbox) as tool:
        assert run(tool, "identify_customer", Input.of(path, "identify_customer")).counts.done == 90
    found = {each["id"]: each["attributes"].get("n") for each in sandbox.state()["people"]}
    assert [found[f"p{n}"] for n in range(3)] == [87, 88, 89]


def test_people_of_a_segment_are_grouped_and_rejected_one_by_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    path.write_text("customer_id\n" + "".join(f"p{n}\n" for n in range(2100)) + "bad \n")
    sandbox.fault(path="*/segments/1/*", nth=2, status=400)
    source = Input.of(path, "add_to_segment", constants={"segment_id": 1})
    with quick(sandbox) as tool:
        summary = run(tool, "add_to_segment", source)
    calls = [each for each in sandbox.requests() if "/segments/" in each["path"]]
    assert (summary.counts.done, rows_in(summary, "rejected")) == (2100, [2102])
    assert len(calls) == 5, "three calls, one of them refused and made as two"


def test_what_waits_is_done_later_and_what_stops_all_rows_rejects_none(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = written(tmp_path / "events.jsonl", events(30))
    fault = sandbox.fault(api="track", status=503)
    with quick(sandbox) as tool:
        waiting = run(tool, "track_event", Input.of(path, "track_event"), options=NOW)
        assert (waiting.ending, waiting.counts.pending) == ("waiting", 30)
        sandbox.faults.clear()
        sandbox.fault(api="track", status=401)
        stopped = run(tool, "track_event", Input.of(path, "track_event"))
        assert (stopped.ending, stopped.counts.pending) == ("stopped", 30)
        assert stopped.as_json()["stopped_by"]["error"]["code"] == "credentials_rejected"
        sandbox.faults.clear()
        assert run(tool, "track_event", Input.of(path, "track_event")).counts.done == 30
    assert fault
    assert set(applied_events(sandbox).values()) == {1}


def test_an_unknown_send_is_named_and_goes_again_only_if_a_person_lets_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = written(tmp_path / "mails.jsonl", mails(12, bad=[4]))
    sandbox.fault(operation="send_email", action="reset_before_applying", nth=3)
    source = Input.of(path, "send_transactional_email")
    with quick(sandbox) as tool:
        first = run(tool, "send_transactional_email", source)
        assert (first.counts.done, first.counts.rejected, first.counts.unknown) == (10, 1, 1)
        (unknown,) = lines_of(first.files["unknown"])
        assert unknown["look"]["subtool"] == "list_messages"
        again = run(tool, "send_transactional_email", source)
        assert again.counts == first.counts
        resent = run(tool, "send_transactional_email", source, options=Options(resend_unknown=True))
    assert (resent.counts.done, resent.counts.unknown) == (11, 0)
    assert "unknown" not in resent.files
    assert applied_mails(sandbox) == {f"p{n}@example.com": 1 for n in range(1, 13) if n != 4}


def test_a_budget_holds_for_the_whole_job(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path / "mails.jsonl", mails(8))
    source = Input.of(path, "send_transactional_email")
    with quick(sandbox, policy={"send_budget": 5}) as tool:
        summary = run(tool, "send_transactional_email", source)
    assert (summary.ending, summary.counts.done, summary.counts.pending) == ("stopped", 5, 3)
    with quick(sandbox, policy={"send_budget": 8}) as tool:
        assert run(tool, "send_transactional_email", source).counts.done == 8
    assert applied_mails(sandbox).total() == 8


def test_what_a_policy_confirms_is_agreed_to_once(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path / "people.jsonl", [{"customer_id": f"p{n}"} for n in range(4)])
    source = Input.of(path, "delete_customer")
    with quick(sandbox, policy="careful") as tool:
        with pytest.raises(ConfirmationRequired, match="agrees to the whole job"):
            run(tool, "delete_customer", source)
        agreed = run(tool, "delete_customer", source, options=Options(has_agreed=True))
        assert agreed.counts.done == 4
        assert run(tool, "delete_customer", source).ending == "finished"
        assert tool.call("delete_customer", {"customer_id": "u1"})["ok"] is False
    with quick(sandbox, policy="read_only") as tool, pytest.raises(PolicyRefused):
        run(tool, "delete_customer", source)
    with quick(sandbox) as tool, pytest.raises(ArgumentsInvalid, match="only reads"):
        run(tool, "list_segments", source)


def test_a_full_disk_stops_the_job_with_a_clear_error_and_loses_no_row(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = written(tmp_path / "events.jsonl", events(200, bad=range(1, 200, 2)))
    source = Input.of(path, "track_event")
    with quick(sandbox) as tool:
        with prepared(tool, "track_event", source) as begun:
            journal = begun.work._journal  # type: ignore[attr-defined]
            pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
            journal._db.execute(f"PRAGMA max_page_count = {pages + 2}")
            with pytest.raises(JournalLost, match="disk is full"):
                begun.run()
        assert run(tool, "track_event", source).counts.done == 100
    assert set(applied_events(sandbox).values()) == {1}


def test_a_job_is_worked_on_by_one_process_unless_it_is_shared(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = written(tmp_path / "events.jsonl", events(3))
    source = Input.of(path, "track_event")
    with (
        quick(sandbox) as tool,
        prepared(tool, "track_event", source),
        pytest.raises(JobBusy, match="--redis"),
    ):
        run(tool, "track_event", source)


def test_a_stopped_job_ends_after_the_rows_in_flight(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", events(400, bad=[2]))
    source = Input.of(path, "track_event")
    with quick(sandbox) as tool:
        with prepared(tool, "track_event", source) as begun:
            summary = begun.run(Hooks(on_outcome=lambda _: begun.stop()))
        assert summary.ending == "interrupted"
        assert summary.counts.pending > 0
        assert summary.counts.done == applied_events(sandbox).total()
        assert run(tool, "track_event", source).counts.done == 399
    assert set(applied_events(sandbox).values()) == {1}


def test_a_stale_job_is_begun_anew_only_if_that_is_asked_for(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = written(tmp_path / "events.jsonl", events(3))
    source = Input.of(path, "track_event")
    with quick(sandbox) as tool:
        with prepared(tool, "track_event", source):
            pass
        with closing(sqlite3.connect(tmp_path / "events.jsonl.bulk" / "journal.sqlite")) as kept:
            kept.execute("UPDATE jobs SET worked_at = worked_at - 8 * 86400")
            kept.commit()
        with pytest.raises(JournalLost, match="more than 7 days ago"):
            run(tool, "track_event", source)
        assert sandbox.requests() == []
        assert run(tool, "track_event", source, options=Options(new=True)).counts.done == 3


def test_a_create_that_was_cut_off_is_not_made_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path / "segments.jsonl", [{"name": "New one"}])
    source = Input.of(path, "create_manual_segment")
    with quick(sandbox) as tool:
        with prepared(tool, "create_manual_segment", source) as begun:
            begun.work.begin(begun.work.take(1, is_idle=True) or [])
        summary = run(tool, "create_manual_segment", source)
    assert (summary.counts.unknown, len(sandbox.requests())) == (1, 0)
    assert "could create a second one" in json.dumps(lines_of(summary.files["unknown"]))


def test_what_a_cut_off_attempt_removed_counts_as_done(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path / "segments.jsonl", [{"segment_id": 1}, {"segment_id": 99}])
    source = Input.of(path, "delete_segment")
    with quick(sandbox) as tool:
        with prepared(tool, "delete_segment", source) as begun:
            begun.work.begin((begun.work.take(1, is_idle=True) or [])[:1])
        tool.call("delete_segment", {"segment_id": 1})
        summary = run(tool, "delete_segment", source, options=Options(has_agreed=True))
    assert rows_in(summary, "rejected") == [2]
    assert summary.counts.done == 1


def test_no_error_names_a_path_or_a_value(sandbox: Sandbox, tmp_path: Path) -> None:
    path = written(tmp_path / "secret@example.com.jsonl", [{"customer_id": "ada@example.com "}])
    told: list[Any] = []
    with quick(sandbox) as tool:
        source = Input.of(path, "identify_customer")
        hooks = Hooks(on_outcome=lambda each: told.append((repr(each), each.reason)))
        run(tool, "identify_customer", source, hooks=hooks)
    assert told
    assert "ada@" not in str(told)
    assert str(tmp_path) not in str(told)
