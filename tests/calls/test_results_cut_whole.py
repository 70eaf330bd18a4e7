"""What is left of a result that is too long: first lists are cut, then texts, then the largest."""

from __future__ import annotations

import json
from typing import Any

from customerio_tool.calls.envelope import Outlet, within_budget
from customerio_tool.subtools.declare.results import AS_DATA
from customerio_tool.subtools.declare.vendor_json import MAX_RESULT_CHARS, chars_of

ROOMY = MAX_RESULT_CHARS - 1_000
"""What must be left for the words on what was left out: below it nothing more is cut."""

NOTE = "This result was too long and is cut: "


def filled(envelope: dict[str, Any], size: int) -> dict[str, Any]:
    """Return an envelope of exactly this size: texts that are short enough to stay fill it."""
    whole = dict(envelope)
    while (room := size - chars_of(whole)) > 0:
        overhead = len(f',"fill{len(whole):03}":""')
        text = room - overhead if room <= 1_500 else 1_000
        whole[f"fill{len(whole):03}"] = "x" * text
    assert chars_of(whole) == size
    return whole


def test_a_result_of_the_whole_budget_stays_as_it_is_and_one_more_character_is_cut() -> None:
    whole = filled({"ok": True, "summary": "Read.", "note": "n" * 3_000}, MAX_RESULT_CHARS)
    assert within_budget(whole) == whole
    longer = {**whole, "summary": "Read it"}
    shorter = {name: value for name, value in longer.items() if name != "note"}
    summary = f"Read it {NOTE}note."
    assert within_budget(longer) == {**shorter, "summary": summary, "truncated": True}


def test_names_are_cut_before_any_text_is_left_out() -> None:
    names = ["n" * 90 for _ in range(250)]
    given = {"ok": True, "summary": "Read.", "missing": names, "note": "n" * 2_500}
    cut = within_budget(given)
    assert cut["missing"] == [*names[:10], "… and 240 more"]
    assert cut == {
        **given,
        "missing": cut["missing"],
        "summary": f"Read. {NOTE}part of missing.",
        "truncated": True,
    }


def test_nothing_more_is_cut_once_the_words_have_room() -> None:
    names = ["n" * 90 for _ in range(250)]
    few = [*names[:10], "… and 240 more"]
    start = {"ok": True, "summary": "Read.", "missing": few, "note": "n" * 2_500}
    for size, is_kept in ((ROOMY, True), (ROOMY + 1, False)):
        whole = filled(start, size)
        cut = within_budget({**whole, "missing": names})
        assert ("note" in cut) is is_kept
        left_out = "part of missing" if is_kept else "part of missing, note"
        assert cut["summary"] == f"Read. {NOTE}{left_out}."
        assert list(cut) == [
            *(name for name in whole if is_kept or name != "note"),
            "truncated",
        ]


def test_short_lists_of_names_stay_and_long_lists_of_objects_keep_the_first() -> None:
    short = ["n" * 96] * 9 + ["n" * 105]
    rows = [{"id": number, "note": "x" * 500} for number in range(60)]
    few = [{"id": number} for number in range(30)]
    assert chars_of(short) == 1_000
    cut = within_budget({"ok": True, "summary": "S", "names": short, "rows": rows, "few": few})
    kept = cut["rows"]
    assert kept == rows[: len(kept)]
    assert 25 <= len(kept) <= 31
    assert cut == {
        "ok": True,
        "summary": f"S {NOTE}part of rows.",
        "names": short,
        "rows": kept,
        "few": few,
        "truncated": True,
    }


def test_a_list_of_objects_that_fits_is_not_called_cut() -> None:
    rows = [{"id": 1, "note": "x" * 1_000}] * 15
    rows[-1] = {"id": 1, "note": "x" * (16_000 - chars_of([*rows[:-1], {"id": 1, "note": ""}]))}
    assert chars_of(rows) == 16_000
    cut = within_budget({"ok": True, "summary": "S", "rows": rows, "more": texts(5)})
    assert cut["summary"] == f"S {NOTE}rows."
    assert "more" in cut


def test_sentences_are_cut_and_any_other_long_text_is_left_out() -> None:
    given = {
        "ok": False,
        "count": 3,
        "summary": "s" * 9_000,
        "said": "w" * 8_000,
        "cursor": "c" * 2_001,
        "link": "l" * 2_000,
        "error": {"code": "request_rejected"},
        "other": "o" * 3_000,
        "last": "z",
    }
    assert within_budget(given) == {
        "ok": False,
        "count": 3,
        "summary": f"{'s' * 2_000}… (7000 more characters) {NOTE}cursor, other.",
        "said": f"{'w' * 2_000}… (6000 more characters)",
        "link": "l" * 2_000,
        "error": {"code": "request_rejected"},
        "last": "z",
        "truncated": True,
    }
    only_words = {"ok": False, "summary": "s" * 30_000}
    assert within_budget(only_words) == {
        "ok": False,
        "summary": f"{'s' * 2_000}… (28000 more characters) This result is cut.",
        "truncated": True,
    }


def texts(count: int, chars: int = 900) -> dict[str, str]:
    return {f"t{number:03}": "x" * chars for number in range(count)}


def test_the_largest_members_are_left_out_until_the_rest_fits() -> None:
    given = {
        "ok": True,
        "summary": "Read.",
        "small": {"a": 1},
        "second": texts(9),
        "outcome": "done",
        "first": texts(12),
        "untrusted": True,
        "third": texts(8),
        "error": {"code": "x", "more": texts(5)},
    }
    cut = {name: value for name, value in given.items() if name not in ("first", "second")}
    assert chars_of(given) - chars_of(given["first"]) > ROOMY
    assert within_budget(given) == {
        **cut,
        "summary": f"Read. {NOTE}first, second.",
        "truncated": True,
    }


def test_as_little_is_left_out_as_the_words_need() -> None:
    start = {"ok": True, "summary": "Read.", "b": texts(5), "a": texts(4)}
    for size, left_out in ((ROOMY, "b"), (ROOMY + 1, "b, a")):
        whole = filled({name: value for name, value in start.items() if name != "b"}, size)
        cut = within_budget({**whole, "b": start["b"]})
        assert cut["summary"] == f"Read. {NOTE}{left_out}."
        assert ("a" in cut) is (left_out == "b")


def test_what_must_be_told_is_told_however_long_it_is() -> None:
    error = {"code": "x", "more": {f"m{number}": "x" * 1_900 for number in range(11)}}
    given = {
        "ok": False,
        "summary": "No.",
        "outcome": "o",
        "untrusted": True,
        "error": error,
        "b": 2,
        "a": {"c": 1},
    }
    kept = {name: value for name, value in given.items() if name not in ("a", "b")}
    assert within_budget(given) == {**kept, "summary": f"No. {NOTE}a, b.", "truncated": True}


def call_of(chars: int) -> dict[str, Any]:
    """Return a call whose JSON has so many characters."""
    call: dict[str, Any] = {"subtool": "list_messages", "arguments": {"a": ""}}
    call["arguments"]["a"] = "x" * (chars - len(json.dumps(call, separators=(",", ":"))))
    assert chars_of(call) == chars
    return call


def test_a_long_call_in_an_error_is_left_out_whole_and_a_short_one_stays() -> None:
    things = {"things": texts(30)}
    for look, attempt, left_out in (
        (call_of(2_001), call_of(2_000), "error.look"),
        (call_of(2_000), call_of(2_001), "error.try"),
        (call_of(3_000), call_of(9_000), "error.look, error.try"),
        (call_of(100), call_of(200), ""),
    ):
        error = {"code": "x", "look": look, "try": attempt, "took_effect": "no"}
        kept = {name: value for name, value in error.items() if f"error.{name}" not in left_out}
        words = f"{left_out}, things" if left_out else "things"
        assert within_budget({"ok": False, "summary": "No.", "error": error, **things}) == {
            "ok": False,
            "summary": f"No. {NOTE}{words}.",
            "error": kept,
            "truncated": True,
        }
    assert within_budget({"ok": True, "summary": "Yes.", "look": call_of(3_000), **things}) == {
        "ok": True,
        "summary": f"Yes. {NOTE}things.",
        "look": call_of(3_000),
        "truncated": True,
    }


def test_as_many_problems_are_told_as_fill_half_of_the_budget() -> None:
    problem = {"path": "a", "problem": "p" * 500, "fix": ""}
    problem["fix"] = "f" * (1_000 - chars_of(problem))
    assert chars_of(problem) == 1_000
    long = [problem] * 25
    cut = within_budget({"ok": False, "summary": "No.", "error": {"fields": long, "code": "x"}})
    assert cut == {
        "ok": False,
        "summary": f"No. {NOTE}part of error.fields.",
        "error": {"fields": [problem] * 10, "code": "x"},
        "truncated": True,
    }
    wordy = [{"path": "p" * 3_000, "fix": "f"}] * 9
    cut = within_budget({"ok": False, "summary": "No.", "error": {"fields": wordy}})
    assert cut["error"]["fields"][0] == {
        "path": f"{'p' * 1_000}… (2000 more characters)",
        "fix": "f",
    }
    assert len(cut["error"]["fields"]) == 9


def test_few_problems_stay_as_they_are_where_something_else_is_too_long() -> None:
    problem = {"path": "a", "fix": ""}
    problem["fix"] = "f" * (1_000 - chars_of([problem]))
    for more, left_out in (("", "things"), ("f", "part of error.fields, things")):
        fields = [{**problem, "fix": problem["fix"] + more}]
        error = {"fields": fields, "code": "x"}
        cut = within_budget({"ok": False, "summary": "No.", "error": error, "things": texts(30)})
        assert cut["summary"] == f"No. {NOTE}{left_out}."
        assert cut["error"] == error


def test_the_words_on_data_are_counted_too() -> None:
    start = {"ok": True, "summary": "Read.", "note": "n" * 2_500, "untrusted": True}
    for more in (-len(AS_DATA) - 1, -len(AS_DATA), 0, len(AS_DATA) - 1):
        given = filled(start, MAX_RESULT_CHARS + more)
        shown = Outlet(mask=str).result(given)
        assert chars_of(shown) <= MAX_RESULT_CHARS
        is_whole = more == -len(AS_DATA) - 1
        assert ("note" in shown, "truncated" in shown) == (is_whole, not is_whole)
        assert shown["summary"].startswith(f"Read. {AS_DATA}")
