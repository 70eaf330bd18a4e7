"""Which known name a misspelt one stands for, which choice a word, and what kind a value is."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.subtools.declare import kind_of, nfc, shown
from customerio_tool.subtools.declare.mending import alias_of, is_wrapper, loose_argument, mended
from customerio_tool.subtools.declare.reading import (
    base_of,
    choices_of,
    chosen,
    is_time,
    optional_names,
    read_values,
    readings_of,
)
from customerio_tool.subtools.declare.wording import (
    choices,
    is_like,
    likeness,
    meant,
    nearest,
    words_of,
)
from tests.subtools.every_kind import Colors, EveryKindArgs, every_kind

NAMES = (
    *("customer_id", "customer_ids", "name", "event", "limit", "offset", "include_count"),
    *("created_at", "delete_customer", "create_customer", "list_segments"),
)


MISSPELT: list[tuple[str, str | None]] = [
    ("customerID", "customer_id"),
    ("customer", "customer_id"),
    ("ids", "customer_ids"),
    ("custmer_id", "customer_id"),
    ("evnt", "event"),
    ("limit2", "limit"),
    ("in_clude_cou_nt", "include_count"),
    ("a_limit_b", "limit"),
    ("includeCount", "include_count"),
    ("count", "include_count"),
    ("createdAt", "created_at"),
    ("create_custmer", "create_customer"),
    ("list segments", "list_segments"),
    ("LIST_SEGMENT", "list_segments"),
    ("x\u200bname", "name"),
    *((none, None) for none in ("zzz", "", "_", "device", "updated_at", "ada@b.co")),
]


def test_a_misspelt_name_stands_for_the_one_that_is_most_alike() -> None:
    for given, likely in MISSPELT:
        assert meant(given, NAMES) == likely
        assert meant(given, iter(NAMES)) == likely
        listed = f"choose from {', '.join(NAMES)}."
        assert choices(iter(NAMES)) == listed
        assert nearest(given, iter(NAMES)) == (f"did you mean {likely!r}?" if likely else listed)


def test_names_are_compared_word_by_word() -> None:
    assert words_of("customerID2Name_x-Y") == ["customer", "id2", "name", "x", "y"]
    assert words_of("HTTPServer") == ["httpserver"]
    assert words_of("Größe") == ["gr", "e"]
    assert words_of("") == []


def test_likeness_is_from_nothing_in_common_to_equal() -> None:
    assert (likeness("abc", "abc"), likeness("abc", "xyz"), likeness("", "")) == (1, 0, 1)
    assert likeness("evnt", "event") == pytest.approx(8 / 9)
    assert is_like("abcde", "abcdf")
    assert not is_like("abcd", "abce")
    assert is_like("abcd", "abce", 0.75)
    assert not is_like("abcd", "abce", 0.76)
    assert not is_like("abcdef", "fedcba", 0.2)  # the same letters in another order


KINDS: list[tuple[Any, str]] = [
    ({}, "an object"),
    ([], "an array"),
    ("", "a string"),
    (True, "a boolean"),
    (1, "an integer"),
    (1.0, "a number"),
    (None, "null"),
    ((), "not JSON"),
    (b"", "not JSON"),
]


def test_a_value_is_told_by_its_kind_in_json() -> None:
    for value, kind in KINDS:
        assert kind_of(value) == kind


TOLD: list[tuple[str, str]] = [
    ("x" * 60, "x" * 60),
    ("x" * 61, "x" * 60),
    ("a\u200b\x00\nb\tc", "abc"),
    ("\u202eé 名", "é 名"),
    ("123456", "123456"),
    ("1234567", "<withheld>"),
    ("tel:+1 (2)/3.4-5 6+7", "<withheld>"),
    ("1   2   3   4   5   6   7", "1   2   3   4   5   6   7"),
    ("a@b", "<withheld>"),
    ("a\u200b@", "<withheld>"),
    ("x" * 60 + "@", "<withheld>"),
]


def test_a_name_is_told_as_it_shows_unless_it_may_be_of_a_person() -> None:
    for name, told in TOLD:
        assert shown(name) == told


def test_words_for_choices_are_read_in_any_spelling() -> None:
    known = ("red", "dark_green")
    for spelt in ("dark green", " Dark-Green ", "DARK__GREEN", "dark \t-_green"):
        assert chosen(spelt, known, []) == "dark_green"
    for spelt in ("bottle green", "Bottle-Green\n"):
        assert chosen(spelt, known, [Colors]) == "dark_green"
        assert chosen(spelt, known, []) is None
    assert chosen("crimson", known, [Colors, Colors]) == "red"
    assert chosen("", known, [Colors]) is None


def test_how_a_value_is_read_is_what_its_argument_declares() -> None:
    fields = EveryKindArgs.model_fields
    bases = {name: base_of(field) for name, field in fields.items()}
    assert {name for name, base in bases.items() if base is int} == {
        *("segment_id", "at", "limit", "offset", "template_id", "group_id"),
    }
    assert (bases["people"], bases["rows"], bases["data"], bases["flag"]) == (
        list,
        list,
        dict,
        bool,
    )
    assert choices_of(EveryKindArgs, "color") == ("red", "dark_green")
    assert choices_of(EveryKindArgs, "id_type") == ("id", "email", "cio_id")
    assert choices_of(EveryKindArgs, "text") == choices_of(EveryKindArgs, "people") == ()
    assert [name for name, field in fields.items() if is_time(field)] == ["at"]
    assert optional_names(EveryKindArgs) == fields.keys() - {"segment_id"}
    readings = readings_of(EveryKindArgs)
    assert readings.keys() == fields.keys()
    assert {name for name, one in readings.items() if not one.blank} == {
        *("segment_id", "audience", "group_id"),
    }
    assert {name for name, one in readings.items() if one.zero} == {"at", "limit", "template_id"}
    assert {name for name, one in readings.items() if one.words} == {"color"}
    assert {name for name, one in readings.items() if one.is_time} == {"at"}


def test_blanks_and_zeros_that_mean_nothing_are_left_out_and_told() -> None:
    given = {
        "segment_id": 0,
        **dict.fromkeys(("person", "text", "line", "limit", "at"), " "),
        "template_id": 0.0,
        "offset": 0,
        "flag": False,
        "audience": "",
        "unknown": "",
        "data": {},
        "people": [],
        "color": "Crimson",
    }
    kept = {name: given[name] for name in ("segment_id", "offset", "flag", "audience", "unknown")}
    assert read_values(EveryKindArgs, given) == (
        {**kept, "data": {}, "people": [], "color": "red"},
        "color was read as 'red'. Taken as not given: person, text, line, limit, at, template_id.",
    )
    zones = {"at": "2026-11-23T12:00 cest", "color": "red"}
    assert read_values(EveryKindArgs, zones) == (zones, "at was read as CEST, which is +02:00.")
    for at in ("2026-11-23T12:00 UTC", "2026-11-23T12:00Z", "soon", "EST", 7):
        assert read_values(EveryKindArgs, {"at": at}) == ({"at": at}, "")
    assert read_values(EveryKindArgs, {"at": "12EST "})[1] == "at was read as EST, which is -05:00."


def test_how_arguments_were_read_is_no_argument() -> None:
    args = every_kind.parse({"segment_id": 1, "color": "Crimson", "text": None})
    assert args.reading == "color was read as 'red'."
    assert args.given() == {"segment_id": 1, "color": "red"}
    assert every_kind.parse({"segment_id": 1}).reading == ""
    assert (repr(args), str(args)) == ("EveryKindArgs()", "")
    numbers = iter((1, 2))
    for _ in range(2):
        assert args.once("size", lambda: next(numbers)) == 1
    assert args.once("other", lambda: 2) == 2
    assert args.given() == {"segment_id": 1, "color": "red"}


def test_a_name_is_an_alias_by_declaration_or_by_its_words() -> None:
    aliases = {
        "token": "key",
        "Token": "key",
        "pathId": "path_id",
        "PathIDs": "path_id",
        "segmentIds": "segment_id",
        "segmentid": "segment_id",
        "person": "person",
        "user": "person",
        "email": "email",
        "rare": "rare",
        "row": "rows",
        "peoples": "people",
        "zzz": None,
        "segment": None,
        "limit_": "limit",
        "whereabouts": None,
    }
    assert {name: alias_of(EveryKindArgs, name) for name in aliases} == aliases


def test_what_has_no_place_of_its_own_belongs_into_the_loose_argument() -> None:
    for name in ("plan", "zzz", "city of birth"):
        assert loose_argument(EveryKindArgs, name) == "data"
    for name in ("_plan", "arguments", "kwargs", "colour", "limits"):
        assert loose_argument(EveryKindArgs, name) is None
    assert is_wrapper(EveryKindArgs, "inputs")
    assert not is_wrapper(EveryKindArgs, "data")


def test_the_most_likely_call_comes_first_and_a_text_that_was_taken_stays() -> None:
    given = {"segment_id": [1], "text": "<a@b.co>", "line": "<a@b.co>", "token": "<c@d.co>"}
    same = {"segment_id": 1, "line": "<a@b.co>"}
    told, unseen = {"text": "a@b.co", "key": "<c@d.co>"}, {"text": "a@b.co", "key": "c@d.co"}
    calls = [{**same, **told}, {**same, **unseen}]
    unchanged = {**given, "key": "<c@d.co>"}
    del unchanged["token"]
    assert [*mended(EveryKindArgs, given, wrong=("text",), is_type_wrong=True)] == [
        *calls,
        unchanged,
    ]


def test_a_type_that_contradicts_an_identifier_is_left_out_at_last() -> None:
    def calls(id_type: str, *, is_type_wrong: bool) -> list[dict[str, Any]]:
        given = {"segment_id": 1, "person": "u1", "id_type": id_type}
        return [*mended(EveryKindArgs, given, wrong=(), is_type_wrong=is_type_wrong)]

    whole, without = ({"segment_id": 1, "person": "u1", **one} for one in ({"id_type": "id"}, {}))
    assert calls("id", is_type_wrong=False) == [whole] * 3
    assert calls("id", is_type_wrong=True) == [*[whole] * 3, without]
    assert calls("phone", is_type_wrong=False)[3:] == [without]
    assert [*mended(EveryKindArgs, {"_zzz": 1}, wrong=(), is_type_wrong=True)] == []
    assert [*mended(EveryKindArgs, {"args": 7}, wrong=(), is_type_wrong=True)] == []


def test_an_accent_is_one_character_in_comparisons() -> None:
    assert nfc("Cafe\u0301") == nfc("Café") == "Café"
    assert nfc(7) == "7"
