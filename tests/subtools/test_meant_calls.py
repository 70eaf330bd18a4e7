"""What a refused call is told to send, for each kind of argument: that and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from customerio_tool.subtools.declare import FoundBy
from customerio_tool.subtools.declare.mending import look_for
from tests.subtools.every_kind import told

TRIES: Mapping[str, list[tuple[Any, Any]]] = {
    "text": [(7, "7"), (-7, "-7")],
    "line": [(7, "7")],
    "event": [(7, "7")],
    "email": [
        ("Ada <ada@b.co>", "ada@b.co"),
        ("<ada@b.co>", "ada@b.co"),
        ("MAILTO:ada@b.co", "ada@b.co"),
        ("Ada, <ada@b.co>", None),
        ("mailto:ada@b.co?subject=x", None),
        ("<ada@b.co>,<bob@b.co>", None),
        ({"email": "ada@b.co"}, None),
        (["ada@b.co"], None),
    ],
    "person": [
        ("Ada <ada@b.co>", "ada@b.co"),
        ("mailto:ada@b.co", "ada@b.co"),
        ({"id": "u1"}, None),
        (True, None),
    ],
    "flag": [
        *((word, True) for word in ("yes", "ON", " y ", "1", 1)),
        *((word, False) for word in ("No", "off", "n", "0", 0)),
        *((word, None) for word in ("maybe", 2, -1, "", 1.0)),
    ],
    "limit": [
        (2001, 2000),
        ([5], 5),
        ({"id": 5}, 5),
        ([{"id": 2001}], 2000),
        (["5"], "5"),
        ([5, 6], None),
        ("2500", None),
        (-1, None),
        ({"limit": 5}, None),
        ({"id": 5, "email": 6}, None),
    ],
    "offset": [([3], 3), (-1, None)],
    "template_id": [({"id": 5}, 5), ({"user_id": 5}, 5), ([2**53], None)],
    "people": [
        ("a", ["a"]),
        (" a , b ", ["a", "b"]),
        (7, [7]),
        ({"email": "a@b.co"}, ["a@b.co"]),
        ([{"id": "a"}, "b", {"cio_id": "c"}], ["a", "b", "c"]),
        ([{"customer_id": "a"}, {"user_id": "b"}], ["a", "b"]),
        ([{"name": "a"}], None),
        ([{"id": "a", "email": "b"}], None),
        ("a,,b", None),
        ("a,b,c,d", None),
        ("[a", None),
        ('{"id": "a"}', None),
        (7.5, None),
    ],
    "data": [
        ([{"name": "a", "value": 1}, {"key": "b", "value": None}], {"a": 1, "b": None}),
        ([], {}),
        ([{"name": "a", "value": 1}, {"key": "a", "value": 2}], None),
        ([{"name": 1, "value": 1}], None),
        ([{"name": "a", "key": "a", "value": 1}], None),
        ([{"name": "a", "value": 1}, 7], None),
        ([{"name": "a", "value": 1}, {"name": "b"}], None),
        (7, None),
    ],
    "key": [("nil", ...), ("<id>", ...), (1.5, None)],
    "path_id": [("path_id", ...), ("..", None)],
    "name": [("<nil>", ...), ({"id": "a"}, None)],
    "id_type": [("phone", ...), (7, ...)],
    "color": [("blue", None), (["red"], None)],
    "audience": [(" ", None)],
    "segment_id": [([3], 3), ({"id": 3}, 3), ([[3]], None), (0, None)],
}
"""Values with what `try` has in their place: None for no `try`, `...` for one without it."""


def test_a_value_that_can_mean_one_thing_only_is_in_try() -> None:
    rows = [(argument, *row) for argument, values in TRIES.items() for row in values]
    for argument, value, tried in rows:
        answer = told({argument: value})
        assert "says" in answer or value in ("", 0), (argument, value)
        wanted = {"segment_id": 1, argument: tried}
        if tried is ...:
            del wanted[argument]
        assert answer.get("try") == (None if tried is None else wanted), (argument, value)


CALLS: list[tuple[Any, Any]] = [
    ({"token": "b"}, {"key": "b"}),
    ({"Token": 7}, {"key": "7"}),
    ({"token": "b", "key": "b"}, {"key": "b"}),
    ({"token": "b", "key": None}, {"key": "b"}),
    ({"token": "b", "key": "c"}, None),
    ({"user": "u1"}, {"person": "u1"}),
    ({"pathID": "7"}, {"path_id": "7"}),
    ({"limits": "5", "Offset": [2]}, {"limit": "5", "offset": 2}),
    ({"rares": "x"}, {"rare": "x"}),
    ({"plan": "pro", "seats": 3}, {"data": {"plan": "pro", "seats": 3}}),
    ({"plan": "pro", "data": {"a": 1}}, {"data": {"a": 1, "plan": "pro"}}),
    ({"plan": "pro", "data": '{"a": 1}'}, {"data": {"a": 1, "plan": "pro"}}),
    ({"plan": "pro", "data": {"plan": "pro"}}, {"data": {"plan": "pro"}}),
    ({"plan": "pro", "data": {"plan": None}}, None),
    ({"plan": "pro", "data": 7}, None),
    ({"plan": "pro", "colour": "red"}, None),
    ({"_plan": "pro"}, None),
    ({"nul": None, "flag": "yes"}, {"flag": True}),
    ({"text": "Ada <ada@b.co>", "flag": "yes"}, {"text": "Ada <ada@b.co>", "flag": True}),
    ({"text": "null", "key": "null", "flag": 1}, {"text": "null", "flag": True}),
    ({"audience": "null", "key": "null"}, {"audience": "null"}),
    ({"id_type": "phone", "flag": "yes"}, {"flag": True}),
    ({"id_type": "id", "flag": "yes"}, {"id_type": "id", "flag": True}),
]


def test_a_call_that_can_mean_one_only_is_in_try() -> None:
    for given, tried in CALLS:
        wanted = None if tried is None else {"segment_id": 1, **tried}
        assert told(given).get("try") == wanted, given


@pytest.mark.parametrize("name", ["arguments", "args", "input", "parameters", "params", "kwargs"])
def test_arguments_that_stand_inside_of_one_are_taken_out(name: str) -> None:
    inside = {"segment_id": [1], "plan": "pro"}
    meant = {"segment_id": 1, "data": {"plan": "pro"}}
    assert told(json.dumps({name: inside}))["try"] == meant
    for given in ({name: inside, "flag": True}, {name: [inside]}, {name: json.dumps(inside)}):
        assert "try" not in told(json.dumps(given))


LOOKS: list[tuple[Any, Any]] = [
    ({"segment_id": "Beta"}, ("list_segments", "Beta")),
    ({"segment_id": "Größe 2"}, ("list_segments", "Größe 2")),
    ({"segment_id": "x" * 200}, ("list_segments", "x" * 200)),
    ({"segment_id": "x" * 201}, None),
    ({"segment_id": "Beta "}, None),
    ({"segment_id": "12-3"}, None),
    ({"segment_id": "<nil>"}, None),
    ({"segment_id": "segment_id"}, None),
    ({"segment_id": "Beta", "segment_name": "Gamma"}, ("list_segments", "Beta")),
    ({"segment_id": 7, "segment_name": "Gamma"}, None),
    ({"template_id": "Welcome"}, ("list_templates", "Welcome")),
    ({"template_name": "Welcome"}, ("list_templates", "Welcome")),
    ({"template_id": "Welcome", "segment_id": "Beta"}, ("list_segments", "Beta")),
]


def test_a_name_in_place_of_a_number_is_looked_for_by_the_read_that_finds_it() -> None:
    for given, look in LOOKS:
        answer = told(given, ("list_templates",))
        read = look and {"subtool": look[0], "arguments": {"name_contains": look[1]}}
        assert answer.get("look") == read, given
        assert answer["says"].endswith("`look` is the call that finds it.") == (look is not None)
        assert "try" not in answer


def test_a_look_up_that_may_not_run_is_not_advised() -> None:
    for given in ({"template_id": "Welcome"}, {"template_name": "Welcome"}):
        answer = told(given)
        assert "look" not in answer
        assert "list_templates" not in answer["says"]


def test_a_name_stands_for_a_missing_number_and_the_first_finder_wins() -> None:
    answer = told(json.dumps({"segment_name": "Gamma"}))
    assert answer["look"] == {
        "subtool": "list_segments",
        "arguments": {"name_contains": "Gamma"},
    }
    finders = {"a": FoundBy("list_a", ("x", "y")), "b": FoundBy("list_b", ("y",))}
    assert look_for(finders, {"x": 7, "y": "Name"}) == look_for(finders, {"y": "Name"})
    found = look_for(finders, {"a": 1, "y": "Name"})
    assert found is not None
    assert found.as_json() == {"subtool": "list_b", "arguments": {"name_contains": "Name"}}
    assert look_for(finders, {}) is None
    assert look_for({}, {"a": "Name"}) is None
