"""What a refused call is told, word for word, for each kind of argument and each kind of mistake.

The words are what a model repairs its call by, so a change of them is a change of what it does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from customerio_tool.errors import ArgumentsInvalid, Problem
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import (
    PathText,
    Person,
    as_identifier,
    as_segment_number,
    as_texts,
    located,
    only_members,
    refuse,
)
from customerio_tool.subtools.declare.problems import path_of, problems_of
from tests.subtools.every_kind import every_kind, told

NO_STRING = "; send a string."
ASK = "; ask the user if nobody named it."
EDGE = "begins or ends with white space or an invisible character; send it without them."
INSIDE = "holds an invisible character; send it as it shows, without that."
ONE_LINE = "holds a control character or line break; send one line of plain text."
PLACEHOLDER = "is a placeholder and no identifier; leave it out. `try` has the arguments to send."
DOTS = "is a dot segment of a path; send the identifier itself."
NO_JSON = "is not valid JSON; check its quotes and brackets."
MAIL = "; send one such as ada@example.com."
NO_TIME = "is not a time; send ISO 8601 such as 2026-11-23T12:00:00Z, or Unix seconds."
NO_SUCH_YEAR = "lies before 1970 or after 5138; send ISO 8601 or seconds since 1970."
A_DATE = "may be a date or Unix seconds; send ISO 8601 such as 2026-11-23T12:00:00Z."
TIME_WANTED = "; send an ISO 8601 time or Unix seconds, as a string."
A_ZONE = (
    "is not a time, or in a zone that several offsets have; write the offset, as ISO 8601 does: "
    "2026-11-23T12:00:00-08:00."
)
A_PHONE = (
    "is a phone number, by which this call finds nobody; find the person with "
    "get_customer_attributes and id_type='phone' ('id' if it is their id), and send the cio_id "
    "that it shows, with cio_ before it."
)
FLAG = "; send true or false."
NO_GUESS = "; send its id, an integer and no guess"
FINDER = f"{NO_GUESS}; list_segments finds it by the name."
NUMBER = "is too small; send the number of the one you mean, which is"
NO_CHOICE = "is not one of the choices; send 'red' or 'dark_green'."

SAYS: Mapping[str, list[tuple[Any, str]]] = {
    "text": [
        (True, f"is a boolean{NO_STRING}"),
        (1.5, f"is a number{NO_STRING}"),
        ({}, f"is an object{NO_STRING}"),
        (["a"], f"is an array{NO_STRING}"),
        ("a\x00", "holds a control character; remove it."),
        ("a\x0b\nb", "holds a control character; remove it."),
    ],
    "line": [("a\nb", ONE_LINE), ("a\rb", ONE_LINE), ("a\u2028b", ONE_LINE), ("\x85b", ONE_LINE)],
    "name": [
        (" a", EDGE),
        ("a\u00a0", EDGE),
        ("\u0301a", EDGE),
        ("a\u200bb", INSIDE),
        ("x" * 1001, "is 1,001 bytes long; send an identifier of at most 1,000 bytes."),
        ("é" * 501, "is 1,002 bytes long; send an identifier of at most 1,000 bytes."),
        ("<nil>", PLACEHOLDER),
    ],
    "key": [
        (1.5, f"is a number{NO_STRING}"),
        (False, f"is a boolean{NO_STRING}"),
        ("null", PLACEHOLDER),
        ("{{id}}", PLACEHOLDER),
        ("your_key", PLACEHOLDER),
        ("key", PLACEHOLDER),
    ],
    "person": [
        ("+4915112345678", A_PHONE),
        ("cio_", "has nothing after its prefix cio_; send the whole identifier."),
        ("cio_a-b", "is not a cio_ id; send letters and digits alone after cio_."),
        ("x" * 151, "is 151 bytes long; send a person's id of at most 150 bytes."),
        ("ada@b.co,bob", f"is not an e-mail address, as it holds ',', which no address has{MAIL}"),
        (["u1"], f"is an array{NO_STRING}"),
        ("..", DOTS),
    ],
    "email": [
        ("ada", f"is not an e-mail address{MAIL}"),
        ("ada@", f"is not an e-mail address{MAIL}"),
        ('["a@b.co", "c@d.co"]', "has 2 entries; give one."),
        (["a@b.co"], f"is an array{NO_STRING}"),
    ],
    "path_id": [(each, DOTS) for each in (".", "..", "%2e", "%2E.", "%252e%252E")],
    "flag": [
        ("maybe", f"is a string{FLAG}"),
        (2, f"is an integer{FLAG}"),
        ([], f"is an array{FLAG}"),
    ],
    "data": [
        ([1], "is an array; send an object."),
        ("plan", "is a string; send an object."),
        ('{"a": 1', NO_JSON),
        ({" ": 1}, "has a blank name; name every member."),
    ],
    "people": [
        ([], "is empty; send at least 1 item."),
        (["a", "b", "c", "d"], "has 4 items; send at most 3 items per call."),
        ("[a", NO_JSON),
        ("a,,b", "is a string; send an array."),
    ],
    "rows": [("[1", NO_JSON), (7, "is an integer; send an array.")],
    "at": [
        ("soon", NO_TIME),
        ("2026-13-01", NO_TIME),
        ("2026-02-30T10:00:00Z", NO_TIME),
        ("2026-11-23T12:00:00+99:00", NO_TIME),
        (-1, NO_SUCH_YEAR),
        ("5139-01-01", NO_SUCH_YEAR),
        ("1969-12-31T23:59:59Z", NO_SUCH_YEAR),
        (10**14, NO_SUCH_YEAR),
        (20261123, A_DATE),
        (20261123.0, A_DATE),
        ("202611231200", A_DATE),
        ("20261123120000", A_DATE),
        (True, f"is a boolean{TIME_WANTED}"),
        ({"at": 1}, f"is an object{TIME_WANTED}"),
        ("2026-11-23T12:00:00 PST", A_ZONE),
        ("2026-11-23 12:00 Ist", A_ZONE),
    ],
    "event": [
        ("a\u200b", EDGE),
        ("x" * 101, "is 101 bytes long; send an event's name of at most 100 bytes."),
    ],
    "color": [("blue", NO_CHOICE), (["red"], NO_CHOICE), (7, NO_CHOICE)],
    "audience": [("", "is blank; give a text, or leave the argument out.")],
    "limit": [
        (-1, "is too small; send 1 or more."),
        ("2500", "is too large; send 2,000 or less."),
        (1.5, "is a number; send an integer."),
        ("many", "is a string; send an integer."),
    ],
    "offset": [(-1, "is too small; send 0 or more.")],
    "template_id": [
        (-1, f"{NUMBER} 1 or more."),
        ("Welcome", f"is a string{NO_GUESS}{ASK}"),
    ],
    "group_id": [
        (0, f"{NUMBER} 1 or more, or leave it out."),
        (-1, f"{NUMBER} 1 or more."),
    ],
    "segment_id": [
        (0, f"{NUMBER} 1 or more."),
        (
            2**53,
            f"is too large; send the number of the one you mean, which is {2**53 - 1:,} or less.",
        ),
        (None, f"is null{FINDER}"),
        (1.5, f"is a number{FINDER}"),
        (" Beta", f"is a string{FINDER}"),
        ("123!", f"is a string{FINDER}"),
        ("x" * 201, f"is a string{FINDER}"),
        ("null", f"is a string{FINDER}"),
    ],
}


def test_a_refused_value_is_named_with_what_is_wrong_and_what_is_right() -> None:
    for argument, rows in SAYS.items():
        for value, says in rows:
            assert told({argument: value})["says"] == f"{argument} {says}", repr(value)[:60]


SHOWN = ", ".join(name for name in every_kind.argument_names if name != "rare")
UNKNOWN = "is not an argument of this subtool; "
MISSING = f"segment_id is missing; give it{FINDER.removeprefix(NO_GUESS)}"
TOO_MANY = "arguments hold more than 250,000 values; send less in one call."
WHOLE: list[tuple[Any, str]] = [
    ({}, MISSING),
    ([], "arguments is an array; send one JSON object holding the arguments."),
    (7, "arguments is an integer; send one JSON object holding the arguments."),
    ('"ada"', "arguments is a string; send one JSON object holding the arguments."),
    ("true", "arguments is a boolean; send one JSON object holding the arguments."),
    ("{", f"arguments {NO_JSON}"),
    (b"\xff", f"arguments {NO_JSON}"),
    ("{'segment_id': 1}", f"arguments {NO_JSON}"),
    ({1: 2}, "arguments has a name that is not a string; name every member with a string."),
    ('{"segment_id": 1, "segment_id": 2}', "segment_id is given twice; give each name once."),
    (
        '{"segment_id": 1, "data": {"a": 1, "b": 2, "b": 3}}',
        "b is given twice; give each name once.",
    ),
    ({"segment_id": float("inf")}, "segment_id is not a finite number; send a finite number."),
    ("[" * 250_001, "arguments hold more than 250,000 values; send less in one call."),
    (
        {"data": {"a": [0] * 250_001}},
        "arguments hold more than 250,000 values; send less in one call.",
    ),
    ([[0] * 250_001], "arguments hold more than 250,000 values; send less in one call."),
]


def test_what_is_no_object_of_arguments_is_told_what_would_be_one() -> None:
    for given, says in WHOLE:
        with pytest.raises(ArgumentsInvalid) as refused:
            every_kind.parse(given)
        assert refused.value.summary == f"Nothing was sent. {says}"


def nested(levels: int) -> Any:
    inside: Any = 1
    for _ in range(levels):
        inside = {"in": inside}
    return inside


INSIDE_OF_DATA: list[tuple[Any, str]] = [
    ({"a": {1: 2}}, "data.a has a name that is not a string; name every member with a string."),
    ({"a": [10**400]}, "data.a[0] is a number of more than 300 digits; send it as a string."),
    (
        {"a": [{"b": "\ud800"}]},
        "data.a[0].b holds half of a surrogate pair; send valid Unicode text.",
    ),
    ({"\udfff": 1}, "data holds half of a surrogate pair; send valid Unicode text."),
    ({"a": ["x", "\ud800"]}, "data.a[1] holds half of a surrogate pair; send valid Unicode text."),
    ({"a": {1, 2}}, "data.a is a Python set; send a JSON value."),
    ({"a": [1, float("nan")]}, "data.a[1] is not a finite number; send a finite number."),
    (nested(64), "data holds more than 64 levels of nesting; flatten it."),
    (json.dumps(nested(64)), "data holds more than 64 levels of nesting; flatten it."),
    ('{"a": {"b": NaN}}', "data.a.b is not a finite number; send a finite number."),
    ('{"a": 1, "a": 2}', "data.a is given twice; give each name once."),
    (
        '{"a": ' + "[" * 9000 + "]" * 9000 + "}",
        "data holds more than 64 levels of nesting; flatten it.",
    ),
]


def test_what_json_cannot_hold_is_told_where_it_is() -> None:
    for data, says in INSIDE_OF_DATA:
        assert told({"data": data}) == {"says": says}


def test_what_is_as_deep_and_as_large_as_may_be_is_taken() -> None:
    deep = nested(63)
    for data in (deep, json.dumps(deep)):
        assert told({"data": data})["read"]["data"] == deep
    largest = {"number": 2**1024 - 1, "values": [True] * 249_900}
    assert told({"data": largest})["read"]["data"] == largest


NAMES: list[tuple[dict[str, Any], str]] = [
    ({"_zzz": 1}, f"_zzz {UNKNOWN}choose from {SHOWN}."),
    (
        {"_zzz": 1, "_b@b.co": 2},
        f"_zzz {UNKNOWN}choose from {SHOWN}. <withheld> {UNKNOWN}choose from the same.",
    ),
    ({"colour": "red"}, f"colour {UNKNOWN}did you mean 'color'?"),
    (
        {"_offsett": 1, "colour": "red"},
        f"_offsett {UNKNOWN}did you mean 'offset'? colour {UNKNOWN}did you mean 'color'?",
    ),
    ({"nul": None}, f"nul {UNKNOWN}leave it out. `try` has the arguments to send."),
    ({"token": "b", "key": "a"}, f"token {UNKNOWN}give 'key' one of the two values."),
    ({"data": {"plan": "x"}, "plan": "y"}, f"plan {UNKNOWN}give it one value in 'data'."),
    (
        {"data": "x", "plan": "y"},
        f"data is a string; send an object. plan {UNKNOWN}put it into 'data'.",
    ),
    ({"args": {}}, f"args {UNKNOWN}send what it holds, without it."),
    ({"template_name": "a"}, f"template_name {UNKNOWN}did you mean 'name'?"),
    (
        {"data": {"a": 1}, "plan": "y"},
        f"plan {UNKNOWN}put it into 'data'. `try` has the arguments to send.",
    ),
    ({"segment_name": " "}, f"segment_name {UNKNOWN}find the number by it with list_segments."),
]


def test_an_unknown_name_is_told_where_its_value_belongs() -> None:
    for given, says in NAMES:
        assert told(given)["says"] == says


def test_one_missing_and_one_unknown_name_may_be_the_same() -> None:
    with pytest.raises(ArgumentsInvalid) as refused:
        every_kind.parse({"_group": 7})
    assert [str(each) for each in refused.value.fields] == [
        f"{MISSING.removesuffix('.')}",
        f"_group {UNKNOWN}send it as 'segment_id' if that is what it is",
    ]


def test_whoever_is_missing_is_asked_for() -> None:
    with pytest.raises(ArgumentsInvalid) as refused:
        subtools()["add_to_segment"].parse({})
    assert [str(each) for each in refused.value.fields] == [
        f"segment_id is missing; give it{FINDER.removeprefix(NO_GUESS)[:-1]}",
        f"customer_ids is missing; give it{ASK[:-1]}",
    ]


def test_a_missing_name_is_not_told_where_another_name_has_its_value() -> None:
    with pytest.raises(ArgumentsInvalid) as refused:
        every_kind.parse({"segmentID": 7})
    assert refused.value.summary == (
        f"Nothing was sent. segmentID {UNKNOWN}send it as 'segment_id'. `try` has the arguments to "
        "send."
    )
    assert refused.value.corrected == {"segment_id": 7}


def test_a_summary_has_five_problems_and_the_fields_have_twenty() -> None:
    problems = [Problem(f"is wrong {n}", f"send {n}").of(f"a{n}") for n in range(1030)]
    with pytest.raises(ArgumentsInvalid) as refused:
        refuse(iter(problems), {"a": None})
    first = " ".join(f"a{n} is wrong {n}; send {n}." for n in range(5))
    assert refused.value.summary == f"Nothing was sent. {first} And 1,025 more."
    assert list(refused.value.fields) == problems[:20]
    assert refused.value.instead == {"a": None}
    assert refused.value.__cause__ is None
    with pytest.raises(ArgumentsInvalid) as refused:
        refuse([Problem("is a name", "did you mean it?").of("a")] * 5)
    assert refused.value.summary == f"Nothing was sent.{' a is a name; did you mean it?' * 5}"


def test_a_path_is_one_text_and_its_middle_goes_where_it_is_long() -> None:
    assert path_of(()) == "arguments"
    assert path_of(("rows", 0, "a.b", 12)) == "rows[0].a.b[12]"
    assert path_of((3, "a")) == "[3].a"
    assert path_of(("ada@example.com", "x" * 61)) == f"<withheld>.{'x' * 60}"
    long = ("a" * 60,) * 4 + ("b" * 55,)
    assert path_of(long) == ".".join(long) == path_of(long)[:300]
    longer = ("a" * 60,) * 4 + ("b" * 57,)
    assert path_of(longer) == f"{'.'.join(longer)[:180]}…{'.'.join(longer)[-60:]}"


def test_a_problem_inside_of_a_value_has_the_whole_way_to_it() -> None:
    cases: list[tuple[Any, Any, str]] = [
        (as_identifier, " a", f"{EDGE}"),
        (as_identifier, 1.5, "is a number; send a string."),
        (
            as_segment_number,
            2**31,
            "is too large; send the number of the one you mean, which is 2,147,483,647 or less.",
        ),
        (as_segment_number, "x", f"is a string{NO_GUESS}{ASK}"),
        (as_identifier, "nil", "is a placeholder and no identifier; send the real one" + ASK),
    ]
    for check, value, says in cases:
        with pytest.raises(Problem) as refused:
            located(check, value, "rows", 2, "id")
        assert str(refused.value.of(path_of(refused.value.path))) + "." == f"rows[2].id {says}"
    assert located(as_segment_number, "7", "rows") == 7
    with pytest.raises(Problem) as refused:
        located(as_texts, {"a": 1, "b": [2]}, "headers")
    assert refused.value.path == ("headers", "b")
    assert str(refused.value) == "is an array; send a string, number or boolean"
    with pytest.raises(Problem) as refused:
        only_members({"id": 1, "y\u200b": 2, "zz": 3}, {"id"}, "leave it out", "rows", 1)
    assert (str(refused.value), refused.value.path) == (
        "holds an unknown member 'y'; leave it out",
        ("rows", 1),
    )


def test_a_value_of_a_type_alone_is_refused_in_the_same_words() -> None:
    cases: list[tuple[Any, Any, str]] = [
        (Person, "cio_", "arguments has nothing after its prefix cio_; send the whole identifier"),
        (PathText, None, "arguments is null; send a string"),
        (
            float,
            "x",
            "arguments is a string that does not fit; see the description of this argument",
        ),
        (list[int], {}, "arguments is an object; send an array"),
        (dict[str, bool], {"a": object()}, "a is not JSON; send true or false"),
    ]
    for kind, value, says in cases:
        with pytest.raises(ValidationError) as refused:
            TypeAdapter(kind).validate_python(value)
        assert [str(each) for each in problems_of(refused.value)] == [says]
