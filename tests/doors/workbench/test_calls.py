"""The page Calls: what was called, how it ended and what was sent; nothing of people in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from customerio_tool import CallContext
from customerio_tool.backends.telemetry.audit import AuditTrail
from tests.support.pages import Page
from tests.support.workbench import Bench

ATTACK = "<script>alert(1)</script>\u202e"
ADA = {"customer_id": "ada+secret@example.com", "attributes": {"plan": "gold-plan"}}


def made(bench: Bench, name: str, arguments: object = None, run: str | None = None) -> str:
    """Make a call in the workspace, and return its id."""
    with bench.workspace.tool() as tool:
        tool.call(name, arguments or {}, context=CallContext(run_id=run, door="api"))  # type: ignore[arg-type]
    return bench.workspace.recent.calls()[0].start.call_id


def listed(page: Page) -> list[str]:
    """Return the ids of the calls on a page, as they stand."""
    return [each["id"].removeprefix("to-") for each in page.all("a") if "id" in each]


@pytest.fixture
def trail(bench: Bench, tmp_path: Path) -> AuditTrail:
    """The audit trail of the workspace of a bench."""
    trail = AuditTrail(tmp_path / "audit.jsonl")
    stores = bench.workspace.ground.backends
    with_trail = replace(stores, telemetry=(*stores.telemetry, trail))
    bench.workspace.ground = replace(bench.workspace.ground, backends=with_trail)
    return trail


def test_the_newest_call_is_first(bench: Bench) -> None:
    assert "No call was made yet." in bench.get("/calls").words
    made_ids = [made(bench, "list_campaigns", run=f"r{n}") for n in range(3)]
    page = bench.get("/calls")
    assert listed(page) == made_ids[::-1]
    assert ("r2" in page.words, "done" in page.words, "api" in page.words) == (True, True, True)


def test_calls_are_chosen_by_outcome_subtool_run_and_effect(bench: Bench) -> None:
    done = made(bench, "list_campaigns", run="first run")
    wrong = made(bench, "track_event", run="second")
    assert listed(bench.get("/calls?outcome=arguments_invalid")) == [wrong]
    assert listed(bench.get("/calls?subtool=list_campaigns")) == [done]
    assert listed(bench.get("/calls?run=first+run&effect=&outcome=")) == [done]
    assert listed(bench.get("/calls?effect=record")) == [wrong]
    none = bench.get("/calls?effect=record&run=first+run")
    assert (listed(none), "No call fits." in none.words) == ([], True)


TIME_CHARS = 10
"""The first characters of an id, which tell its time in milliseconds: https://github.com/ulid/spec."""


def test_older_calls_are_on_the_next_page_and_none_is_left_out(bench: Bench) -> None:
    ids = [made(bench, "track_event", run="many") for _ in range(120)]
    seen, path = list[str](), "/calls?run=many"
    while True:
        page = bench.get(path)
        seen += listed(page)
        if not (older := page.all("a", rel="next")):
            break
        path = older[0]["href"]
    assert sorted(seen) == sorted(ids)
    times = [each[:TIME_CHARS] for each in seen]  # chance orders the calls of one millisecond
    assert times == sorted(times, reverse=True)


def test_a_call_has_a_page_with_its_attempts(bench: Bench) -> None:
    bench.local.fault(operation="list_segments", status=503, times=1)
    name = made(bench, "list_segments", run="r1")
    words = bench.get(f"/calls/{name}").words
    assert (words.count("/v1/segments"), "503" in words, "200" in words) == (2, True, True)
    assert bench.local.app_url in words
    refused = bench.get(f"/calls/{made(bench, 'track_event')}").words
    assert "Nothing was sent." in refused


def test_a_call_without_an_answer_says_why(bench: Bench) -> None:
    bench.local.fault(operation="list_segments", action="reset_before_applying")
    name = made(bench, "list_segments")
    words = bench.get(f"/calls/{name}").words
    assert ("none" in words, bench.workspace.recent.calls()[0].end.problem in words) == (True, True)


def test_a_call_that_is_not_known_is_told_plainly(bench: Bench) -> None:
    page = bench.get("/calls/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert (page.status, "not known here" in page.words) == (404, True)


def test_nothing_of_a_person_is_on_these_pages(bench: Bench) -> None:
    name = made(bench, "identify_customer", ADA)
    for path in ("/calls", f"/calls/{name}"):
        text = bench.get(path).response.text
        assert "ada" not in text
        assert "gold-plan" not in text
    assert "a keyed hash of email" in bench.get(f"/calls/{name}").words


def test_a_run_that_a_host_named_with_signs_of_its_own_stays_words(bench: Bench) -> None:
    name = made(bench, "list_campaigns", run=ATTACK)
    for path in ("/calls", f"/calls/{name}", "/calls?run=%3Cscript%3Ealert(1)"):
        page = bench.get(path)
        assert page.script == ""
        assert "\u202e" not in page.words


def test_the_file_of_the_audit_trail_adds_the_calls_of_other_processes(
    bench: Bench, trail: AuditTrail, tmp_path: Path
) -> None:
    here = made(bench, "list_campaigns", run="here")
    line = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    other = line.replace(here, "01ARZ3NDEKTSV4RRFFQ69G5FAV").replace('"here"', '"elsewhere"')
    (tmp_path / "audit.jsonl").write_text(f"{line}{other}not a line\n", encoding="utf-8")
    page = bench.get("/calls")
    assert sorted(listed(page)) == sorted([here, "01ARZ3NDEKTSV4RRFFQ69G5FAV"]), "each once"
    assert "audit trail" in page.words
    assert "holds their number alone" in bench.get("/calls/01ARZ3NDEKTSV4RRFFQ69G5FAV").words


def test_a_file_that_another_program_wrote_adds_nothing(
    bench: Bench, trail: AuditTrail, tmp_path: Path
) -> None:
    (tmp_path / "audit.jsonl").write_text("secret: 4711\n" * 9, encoding="utf-8")
    page = bench.get("/calls")
    assert (page.status, listed(page), "4711" in page.words) == (200, [], False)
