"""Where a glance is enough and where not, and which texts stand for no identifier: edge by edge."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, TypeAdapter

from customerio_tool.errors import ArgumentsInvalid, FieldProblem, Problem
from customerio_tool.subtools.declare.glance import (
    address_at_a_glance,
    all_sound_at_a_glance,
    is_sound_address,
    kind_at_a_glance,
    sound_at_a_glance,
)
from customerio_tool.subtools.declare.json_input import _at_a_glance, read
from customerio_tool.subtools.declare.placeholders import (
    Blank,
    Placeholder,
    field_problem,
    is_placeholder,
)
from tests.subtools.test_placeholders import REAL, TEMPLATES, WORDS

SOUND_IDS = ("u1", "a0", "1", "x" * 36 + "1", "Ünal-7", "a.b_c+d-7", "नमस्ते-3", "cio1", "b0-void")
UNCLEAR_IDS = (
    *("", "ada", "0", "00", "void0", "c0", "cio_1", " u1", "u 1", "x" * 37 + "1", "u1\u200b"),
    *("\u11601", "\u31641", "u@1", "-0"),
)
SOUND_ADDRESSES = ("a@b.co", "A.b+c_d-9@x-y.b9.example", "x" * 30 + "@bb.com")
UNCLEAR_ADDRESSES = (
    *("a@b", "a@b.c9", "a@b.CO", "a..b@c.co", ".a@b.co", "a@-b.co", "a@b-.co", "cio_a@b.co"),
    *("a@b.id", "a@b.email", "é@b.co", "a@b@c.co", "a@b.co\n", "x" * 31 + "@bb.com", "a!@b.co"),
)


def test_a_glance_tells_usual_identifiers_and_their_one_type() -> None:
    for text in SOUND_IDS:
        assert (text, kind_at_a_glance([text])) == (text, "id")
        assert not is_sound_address(text)
    for text in (*UNCLEAR_IDS, *UNCLEAR_ADDRESSES):
        assert (text, kind_at_a_glance([text])) == (text, None)
        assert not is_sound_address(text)
    for text in SOUND_ADDRESSES:
        assert (text, kind_at_a_glance([text])) == (text, "email")
        assert is_sound_address(text)
    assert kind_at_a_glance(SOUND_IDS) == "id"
    assert kind_at_a_glance(SOUND_ADDRESSES) == "email"
    for several in (["u1", "a@b.co"], ["a@b.co", "u1"], ["u1", 7], [7], [["u1"]], ["u1", "ada"]):
        assert kind_at_a_glance(several) is None
    for other in (None, 7, ["a@b.co"], b"a@b.co"):
        assert not is_sound_address(other)


def looked_at(glance: Any) -> tuple[Any, list[Any]]:
    """Return what validates with a glance, and the list of what a careful look was taken at."""
    seen: list[Any] = []

    def look(value: Any) -> Any:
        seen.append(value)
        return value

    return TypeAdapter[Any](Annotated[Any, AfterValidator(look), glance]).validate_python, seen


def test_what_passes_at_a_glance_is_looked_at_once() -> None:
    for glance, sound, unclear in (
        (sound_at_a_glance, (*SOUND_IDS, *SOUND_ADDRESSES), (*UNCLEAR_IDS, 7, None)),
        (address_at_a_glance, SOUND_ADDRESSES, (*UNCLEAR_ADDRESSES, *SOUND_IDS, 7)),
    ):
        check, seen = looked_at(glance)
        for text in (*sound, *unclear):
            assert check(text) == text
        assert seen == list(unclear)


def test_identifiers_that_passed_together_keep_their_type() -> None:
    check, seen = looked_at(all_sound_at_a_glance)
    for people, kind in ((["u1"] * 1000, "id"), (["a@b.co"], "email")):
        passed = check(people)
        assert passed == people
        passed.append("none that anybody looks at")
        assert kind_at_a_glance(passed) == kind
    assert seen == []
    others: list[Any] = [[], ["u1"] * 1001, ["ada"], ["u1", "a@b.co"], ("u1",), "u1", None, [7]]
    for other in others:
        assert check(other) is other
    assert seen == others


# --- arguments as JSON text

PLAIN: tuple[Any, ...] = (
    *({}, {"a": 1}, {"a": [1.5, -2, None, True, "é", {"b": {}}]}, {"a": int("9" * 300)}),
    {"a": "x" * 1000, "b": [[[]]] * 10},
)
CAREFUL = (
    *('{"a": 1, "a": 2}', '{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', "[1]", '"a"', "7"),
    *('{"a": "\\ud83d\\ude00"}', '{"a": "\ud800"}', '{"a": 1', "", b"\xff", '{"a": 1} x'),
    *('{"a": ' + "9" * 301 + "}", '{"a": ' + "[" * 64 + "]" * 64 + "}", b'{"a": "\\uDBFF"}'),
    '{"a": "' + "x" * 250_000 + '"}',
)


def test_plain_arguments_are_read_at_a_glance_and_all_others_with_care() -> None:
    for value in PLAIN:
        for is_ascii in (True, False):
            text = json.dumps(value, ensure_ascii=is_ascii)
            for given in (text, text.encode()):
                assert _at_a_glance(given) == read(given) == value
        assert read(value) == value
        assert read(json.dumps(json.dumps(value))) == value
    for careful in CAREFUL:
        assert _at_a_glance(careful) is None, careful[:40]
    assert read('{"a": "\\ud83d\\ude00"}') == {"a": "😀"}
    assert read("{" + '"a": ' + "[" * 63 + "]" * 63 + "}")["a"]
    assert read('{"a": "' + "x" * 250_000 + '"}') == {"a": "x" * 250_000}
    nothings: tuple[Any, ...] = (None, "", " \n", b"", {}, "null", "{}")
    for nothing in nothings:
        assert read(nothing) == {}
    for wrong in ('"x"', '"[1]"', '"7"', "[]", "7", "[{}]", json.dumps(json.dumps("{}"))):
        with pytest.raises(ArgumentsInvalid):
            read(wrong)


def test_values_are_copied_as_plain_json() -> None:
    inner = {"b": ["x", "y"], "c": ("d", 1)}
    given = {"a": inner}
    taken = read(given)
    assert taken == {"a": {"b": ["x", "y"], "c": ["d", 1]}}
    taken["a"]["b"].append("z")
    assert inner["b"] == ["x", "y"]

    class Text(str):
        pass

    class Number(int):
        pass

    assert read({"a": Text("x")}) == {"a": "x"}
    with pytest.raises(ArgumentsInvalid, match=r"a\[1\] is a Python Number; send a JSON value"):
        read({"a": [1, Number(2)]})
    with pytest.raises(ArgumentsInvalid, match="a is a Python bytes; send a JSON value"):
        read({"a": b"x"})


# --- placeholders

NOTHING = (
    *(
        "none none",
        "cio none",
        "cio-null",
        "CIO null null",
        "nan",
        "'null'",
        "<<nil>>",
        "\u300cnull",
    ),
    *("your name", "your_api_key", "your.person", "insert id", "the address", "an id here"),
    *("actual guid", "any ulid", "value id here", "0" * 26, "0" * 32, "0000-" + "0" * 28),
    *(
        "{{a}}",
        "x {{ a }} y",
        "a{%b%}c",
        "@{a}",
        "$(a)",
        "[[a]]",
        "{a.b}",
        "%(a)s",
        "%d"[:0] + "%r",
    ),
    *("#REF!", "#DIV/0!", "#NAME?", "<a at 0x7f>", "{a b}", "...", "....", "-_-", "xxX", "X" * 20),
    *("\u201c\u201d", "\\", "&lt;id&gt;", "%3Cnull%3E", "\\u006eull", "n\u200bull", "\uff4eull"),
    *("customerId", "nextCursor", "someId", "messageID", "objectTypeId"),
)
SOMETHING = (
    *("cio", "cio null 7", "null x", "your", "your thing", "insert", "insert here", "the the"),
    *("here", "id there", "my id 7", "0" * 25, "0" * 31, "0" * 33, "0" * 27, "{{a", "a{b}c"),
    *("%", "%x", "#REF", "..", "xx", "X" * 21, "x-x", "a at 0x7f", "<a7>", "customer", "Straße"),
    *("null1", "no", "not", "optional", "nullid", "customer name", "cursor", "void 1"),
)


def test_what_stands_for_no_identifier_is_told_from_what_may_be_one() -> None:
    for text in (*WORDS, *TEMPLATES, *NOTHING):
        assert (text, is_placeholder(text)) == (text, True)
    for text in (*REAL, *SOMETHING):
        assert (text, is_placeholder(text)) == (text, False)
    assert not is_placeholder("")
    assert is_placeholder("deliveryRef", "delivery_ref")
    assert is_placeholder("<delivery-ref>", "delivery_ref")
    assert not is_placeholder("deliveryRef", "delivery")
    assert not is_placeholder("delivery ref 7", "delivery_ref")
    assert is_placeholder(" " * 989 + "placeholder")
    assert not is_placeholder(" " * 990 + "placeholder")
    assert not is_placeholder("1" * 1001)
    assert is_placeholder("<" + "a" * 998 + ">")
    assert not is_placeholder("<" + "a" * 999 + ">")


def test_what_is_needed_is_asked_for_and_what_is_not_is_left_out() -> None:
    ask = "; ask the user if nobody named it"
    blank, placeholder = Blank("is blank", "give a text"), Placeholder("inside")
    assert (placeholder.path, str(placeholder)) == (
        ("inside",),
        f"is a placeholder and no identifier; send the real one{ask}",
    )
    cases: list[tuple[Problem, str, tuple[str, ...], str]] = [
        (blank, "text", (), "give a text"),
        (blank, "text", ("text",), "give a text, or leave the argument out"),
        (blank, "customer_id", (), f"give a text{ask}"),
        (blank, "customer_ids", (), f"give a text{ask}"),
        (blank, "customer_id", ("customer_id",), "give a text, or leave the argument out"),
        (placeholder, "text", (), f"send the real one{ask}"),
        (placeholder, "text", ("text",), "leave it out"),
        (Problem("is wrong", "mend it"), "customer_id", ("customer_id",), "mend it"),
    ]
    for problem, field, optional, fix in cases:
        wanted = FieldProblem(field, problem.problem, fix)
        assert field_problem(problem, field, optional) == wanted
