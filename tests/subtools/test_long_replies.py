"""What of a reply is left where it is too long, and what says so."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

import pytest

from customerio_tool.subtools.declare import (
    chars_of,
    cut_note,
    fitted,
    fitting_items,
    object_in,
    objects_in,
    whole_in,
)
from customerio_tool.subtools.declare.vendor_json import (
    MAX_PAYLOAD_CHARS,
    clean,
    clean_of_text,
    cut,
    fitting_names,
    fresh,
    shortened,
)

MOST = MAX_PAYLOAD_CHARS - 1000
"""Characters of an object beside which `truncated` and `omitted` have room."""


def text_of_json(length: int) -> str:
    """Return a text whose JSON has a length."""
    return "x" * (length - 2)


def test_a_text_is_cut_after_so_many_characters_and_says_how_many_more_there_are() -> None:
    assert cut("x" * 2000) == "x" * 2000
    assert cut("x" * 2001) == f"{'x' * 2000}… (1 more characters)"
    assert cut("é12345", 5) == "é1234… (1 more characters)"
    assert cut("", 0) == ""
    long = "y" * 2500
    short = f"{'y' * 2000}… (500 more characters)"
    value = {"a": [long, {"b": long, "c": 1}], "d": None, "e": True}
    assert shortened(value) == {"a": [short, {"b": short, "c": 1}], "d": None, "e": True}


def test_names_are_told_while_there_is_room_and_the_others_are_counted() -> None:
    names = ["a" * 8] * 3
    assert fitting_names(names, 34) == names  # ["aaaaaaaa","aaaaaaaa","aaaaaaaa"]
    assert fitting_names(names, 33) == [*names[:2], "… and 1 more"]
    assert fitting_names(names, 0) == ["… and 3 more"]
    assert fitting_names([], 0) == []
    assert fitting_names(["b" * 101]) == [f"{'b' * 100}… (1 more characters)"]
    told = fitting_names(["c" * 8] * 2000)
    assert told == [*["c" * 8] * 81, "… and 1,919 more"]
    assert chars_of(told[:-1]) == 892


def test_as_many_leading_items_are_told_as_fit() -> None:
    def item(length: int) -> dict[str, str]:
        made = {"a": "x" * (length - 8)}
        assert chars_of(made) == length
        return made

    tenth = item(1599)  # with its comma, ten are the whole payload
    assert fitting_items([tenth] * 10) == [tenth] * 10
    assert fitting_items([tenth] * 11) == [tenth] * 10
    assert fitting_items([*[tenth] * 9, item(1600), item(9)]) == [tenth] * 9
    assert fitting_items([]) == []
    whole = item(2000)
    assert fitting_items([whole]) == [whole]
    assert fitting_items([{"a": "x" * 2001}]) == [{"a": cut("x" * 2001)}]


def test_of_an_item_that_alone_does_not_fit_the_largest_members_go() -> None:
    large = [1] * 8000  # 16,001 characters
    assert fitting_items([{"id": 1, "all": large, "name": "a"}, {"id": 2}]) == [
        {"id": 1, "name": "a", "omitted": ["all"]}
    ]


def test_an_object_that_fits_is_told_whole() -> None:
    small = {"id": 1, "name": "a"}
    assert fitted("segment", small) == {"segment": small}
    assert fitted("segment", {}) == {"segment": {}}
    # {"id":1} and {"all":"…"} are counted with their own braces.
    exact = {"id": 1, "all": [text_of_json(1000)] * 14, "end": text_of_json(MOST - 14_039)}
    sizes = [chars_of({name: member}) for name, member in exact.items()]
    assert sum(sizes) == MOST
    assert fitted("segment", exact) == {"segment": exact}
    over = {**exact, "end": f"{exact['end']}x"}
    assert fitted("segment", over) == {
        "segment": {"id": 1, "end": over["end"]},
        "truncated": True,
        "omitted": ["all"],
    }


def test_the_largest_members_go_first_and_an_object_loses_members_of_its_own() -> None:
    inner = {f"m{n}": text_of_json(1000) for n in range(10, 30)}
    told = fitted("person", {"id": "u1", "attributes": inner, "tags": [text_of_json(500)] * 4})
    kept = told["person"]["attributes"]
    assert told["truncated"] is True
    assert list(kept) == [f"m{n}" for n in range(18, 30)]
    assert told["omitted"] == [f"attributes.m{n}" for n in range(10, 18)]
    assert told["person"] == {"id": "u1", "attributes": kept, "tags": [text_of_json(500)] * 4}
    assert chars_of(told["person"]) <= MOST
    two = fitted("person", {"b": [1] * 7000, "a": [1] * 7600, "c": 1})
    assert two == {"person": {"b": [1] * 7000, "c": 1}, "truncated": True, "omitted": ["a"]}
    both = fitted("person", {"b": [1] * 8000, "a": [1] * 8100, "c": 1})
    assert both == {"person": {"c": 1}, "truncated": True, "omitted": ["a", "b"]}


def test_an_object_goes_as_a_whole_where_too_little_of_it_would_stay() -> None:
    inner = {"a": [1] * 7500, "b": "small"}
    ones = [1] * 7393  # beside it, 200 characters are left
    assert fitted("person", {"rest": ones, "in": inner}) == {
        "person": {"rest": ones, "in": {"b": "small"}},
        "truncated": True,
        "omitted": ["in.a"],
    }
    longer = [*ones[1:], 10]
    assert fitted("person", {"rest": longer, "in": inner}) == {
        "person": {"rest": longer},
        "truncated": True,
        "omitted": ["in"],
    }


def test_a_note_says_what_was_cut_and_how_to_go_on() -> None:
    assert cut_note({"truncated": True}) == " It was too long and is cut."
    assert cut_note({"truncated": True}, "Ask for less.") == (
        " It was too long and is cut. Ask for less."
    )
    assert cut_note({}, "Ask for less.") == cut_note({"truncated": False}) == ""


def test_what_has_another_form_than_expected_counts_as_empty() -> None:
    assert objects_in([{"a": 1}, 7, None, [{}], {}]) == [{"a": 1}, {}]
    assert objects_in({"a": 1}) == objects_in(None) == objects_in("ab") == []
    assert object_in({"a": 1}) == {"a": 1}
    assert object_in([{"a": 1}]) == object_in(None) == object_in("a") == {}
    whole = (0, -7, 2**63 - 1, 1 - 2**63)
    assert tuple(map(whole_in, whole)) == whole
    for other in (True, 1.0, "1", None, 2**63, -(2**63)):
        assert whole_in(other) is None


def unmasked(text: str) -> str:
    return text


def masked(text: str) -> str:
    return text.replace("KEY", "***")


def deep(levels: int, inside: Any = "x") -> Any:
    return reduce(lambda value, n: [value] if n % 2 else {"a": value}, range(levels), inside)


def test_a_reply_may_have_so_many_levels_and_none_more() -> None:
    for levels in (0, 1, 2, 100):
        value = deep(levels)
        assert clean(value, 100) == value
        assert clean_of_text(json.dumps(value), value, 100, mask=unmasked) == value
    for value in (deep(101), deep(101, 7), deep(103)):
        with pytest.raises(RecursionError, match=r"^The reply is nested too deeply\.$"):
            clean(value)
        with pytest.raises(RecursionError, match=r"^The reply is nested too deeply\.$"):
            clean_of_text(json.dumps(value), value, mask=unmasked)
    wide: list[Any] = [[[]] for _ in range(200)]
    assert clean_of_text(json.dumps(wide), wide, 3, mask=unmasked) is wide
    with pytest.raises(RecursionError):
        clean_of_text(json.dumps(wide), wide, 2, mask=unmasked)
    with pytest.raises(RecursionError):
        clean([{"a\u200b": [[]]}], 3)
    assert clean([{"a\u200b": []}], 3) == [{"a": []}]


def test_what_does_not_show_and_keys_are_removed_from_names_and_texts() -> None:
    value = {"a\u200b": ["b\u200b", 1, None], "KEY": {"c": "x KEY"}}
    assert clean(value) == {"a": ["b", 1, None], "KEY": {"c": "x KEY"}}
    assert clean(value, mask=masked) == {"a": ["b", 1, None], "***": {"c": "x ***"}}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert clean_of_text(text, value, mask=masked) == clean(value, mask=masked)
    split = ["K\u200bEY", "K", "EY"]  # a key comes together where what hid it goes
    assert clean(split, mask=masked) == ["***", "K", "EY"]
    escaped = '["\\u004bEY"]'
    assert clean_of_text(escaped, json.loads(escaped), mask=masked) == ["***"]
    same = {"a": ["b", {"c": 1}]}
    assert clean(same) is same
    assert clean(same, mask=masked) is same
    assert clean_of_text(json.dumps(same), same, mask=masked) is same
    assert clean("K\u200bEY", mask=masked) == "***"
    for scalar in (7, 1.5, True, None):
        assert clean(scalar, mask=masked) is scalar


def test_a_copy_shares_no_object_and_no_list() -> None:
    value: dict[str, Any] = {"a": [{"b": [1]}, "c"], "d": {"e": {}}, "f": 1}
    copy = fresh(value)
    assert copy == value
    copy["a"][0]["b"].append(2)
    copy["a"].append(3)
    copy["d"]["e"]["g"] = 4
    assert value == {"a": [{"b": [1]}, "c"], "d": {"e": {}}, "f": 1}
    assert fresh("text") == "text"
