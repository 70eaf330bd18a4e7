"""What shows, how values are measured and written, and the forms in which they are read."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.errors import Problem
from customerio_tool.subtools.declare import (
    Reach,
    as_array,
    as_texts,
    at_most,
    at_paths,
    boolean,
    compact,
    is_within,
    json_object,
    number_as_text,
    only_members,
    override_of,
    size_of,
    text_of,
    visible,
)
from customerio_tool.subtools.declare.characters import has_hidden_edge, holds_hidden, is_visible
from customerio_tool.subtools.declare.types import opened
from tests.subtools.every_kind import EveryKindArgs, told


def said(check: Any, *arguments: Any, **named: Any) -> str:
    """Return what the problem says that a check raises."""
    with pytest.raises(Problem) as refused:
        check(*arguments, **named)
    return str(refused.value)


def test_what_does_not_show_is_found_and_removed() -> None:
    assert visible("a\x00\r\u200bb\tc\nd\u2060") == "ab\tc\nd"
    assert visible("👩\u200d💻 ❤\ufe0f 7\ufe0f\u20e3") == "👩\u200d💻 ❤\ufe0f 7\ufe0f\u20e3"
    assert visible("a\u200db\ufe0f") == "ab"
    persian = "\u0646\u0627\u0645\u200c\u062e"  # the joiner shapes its letters
    assert visible(persian) == persian
    for text in ("", "plain", "tab\tand\nline", "é", "名", "zoë 名"):
        assert is_visible(text)
        assert visible(text) == text
    for text in ("a\x00", "\r", "a\u00ad", "\u115f", "名\u3164", "\u200b", "\ufe0f"):
        assert not is_visible(text)
    for text in (" ", "a b", "a\tb", "é\u00a0", "\u2800", "a\u200b", "\x7f"):
        assert holds_hidden(text)
    for text in ("", "ab", "é", "名", "a\u0301"):
        assert not holds_hidden(text)
        assert not has_hidden_edge(text)
    for text in (" a", "a ", "\u0301a", "\u200ba", "a\u200b"):
        assert has_hidden_edge(text)
    assert not has_hidden_edge("a b")
    assert not has_hidden_edge("a\u0301")


def test_a_value_is_measured_in_bytes_of_its_json() -> None:
    assert [size_of(one) for one in ("é", "", {"é": [1, None]}, 7, True)] == [2, 0, 15, 1, 4]
    assert is_within("é" * 5, 10)
    assert not is_within("é" * 5, 9)
    assert at_most(15)({"é": [1, None]}) == {"é": [1, None]}
    assert said(at_most(14), {"é": [1, None]}) == (
        "is 15 bytes long; send a value of at most 14 bytes"
    )
    assert said(at_most(1000, "data"), "x" * 1001) == (
        "is 1,001 bytes long; send data of at most 1,000 bytes"
    )


def test_json_is_written_without_spaces() -> None:
    assert compact({"b": [1, "é"], "a": None}) == '{"b":[1,"é"],"a":null}'
    assert compact({"b": 1, "a": "é"}, is_ascii=True, sort_keys=True) == '{"a":"\\u00e9","b":1}'
    assert compact([float("nan"), float("-inf")]) == "[NaN,-Infinity]"
    with pytest.raises(ValueError, match="JSON"):
        compact(float("nan"), allow_nan=False)


def test_values_are_read_in_the_form_that_can_only_be_meant() -> None:
    assert [boolean(one) for one in (" TRUE", "false ", "yes", 1, None)] == [
        *(True, False, "yes", 1, None),
    ]
    assert [number_as_text(one) for one in (7, 7.0, 7.5, True, "7", None)] == [
        *("7", "7", 7.5, True, "7", None),
    ]
    big = float(2**53)
    values = {"a": True, "b": 1.0, "c": 1.5, "d": "x", "e": 7, "f": big, "g": -big + 1}
    assert as_texts(values) == {
        "a": "true",
        "b": "1",
        "c": "1.5",
        "d": "x",
        "e": "7",
        "f": str(big),
        "g": "-9007199254740991",
    }
    assert said(text_of, None) == "is null; send a string, number or boolean"
    assert said(text_of, {}, "a", 1) == "is an object; send a string, number or boolean"
    assert as_array('[{"a": 1}, "{\\"b\\": 2}", "c"]') == [{"a": 1}, {"b": 2}, "c"]
    assert as_array("['a', 'b']") == ["a", "b"]
    assert as_array('{"a": 1}') == '{"a": 1}'
    assert as_array(7) == 7
    assert json_object(' {"a": [1]}') == {"a": [1]}
    assert json_object("[1]") == "[1]"


def test_a_whole_number_is_read_from_a_float_or_a_text() -> None:
    for written in (5, 5.0, "5", " +5 ", "5.00"):
        assert told({"limit": written})["read"]["limit"] == 5
    for other in (5.5, "5.5", "5e0", "5,0", "+-5", "0x5", "1" * 21):
        assert told({"limit": other})["says"].startswith("limit is a ")
    assert told({"offset": "-5"})["says"] == "offset is too small; send 0 or more."
    assert told({"offset": "1" * 20})["read"]["offset"] == int("1" * 20)


def test_an_object_without_unknown_members_is_taken() -> None:
    only_members({"id": 1}, {"id", "email"}, "leave it out", "rows", 1)
    only_members({}, set(), "leave it out")


def test_objects_in_text_are_opened_where_an_object_is_wanted() -> None:
    given = {"data": '{"a": 1}', "text": '{"b": 2}', "zzz": '{"c": 3}', "rows": "[1]"}
    assert opened(EveryKindArgs, given) == {**given, "data": {"a": 1}}
    assert opened(EveryKindArgs, {"data": '{"a": 1'}) == {"data": '{"a": 1'}
    assert opened(EveryKindArgs, {"data": 7}) == {"data": 7}


def test_recipients_have_the_path_at_which_they_stand() -> None:
    assert at_paths("to", ["a@b.co"]) == (("to", "a@b.co"),)
    assert at_paths("to", ["a@b.co", "c@b.co"]) == (("to[0]", "a@b.co"), ("to[1]", "c@b.co"))
    assert at_paths("to", []) == ()
    assert repr(Reach(known=(("to", "a@b.co"),), unknown=("file",))) == "Reach(unknown=('file',))"
    for spelt in (
        "recipient",
        " Recipient ",
        "\uff32ecipient",
        "re\u200bcipient",
    ):
        assert override_of(spelt) == "recipient"
