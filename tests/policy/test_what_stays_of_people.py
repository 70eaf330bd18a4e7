"""What of a reply stays where attributes of its people are hidden: the whole of it, exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customerio_tool.subtools.declare import NO_PEOPLE, People, is_hidden
from customerio_tool.subtools.declare.privacy import (
    ends_hidden,
    folded,
    hides_within,
    without_hidden,
)

WHOLE = People(at=("",))


def left(reply: Any, *hidden: str, people: People = WHOLE) -> Any:
    """Return what is left of a reply, which itself does not change."""
    before = json.dumps(reply)
    found = without_hidden(reply, people, frozenset(map(folded, hidden)))
    assert json.dumps(reply) == before
    return found


PARTS: list[tuple[Any, tuple[str, ...], Any]] = [
    ({"plan": "pro", "city": "Paris"}, ("plan",), {"city": "Paris"}),
    ({" Plan ": 1, "PLAN": 2, "planned": 3}, ("plan",), {"planned": 3}),
    ({"a": [{"plan": 1, "b": 2}, 7, None]}, ("plan",), {"a": [{"b": 2}, 7, None]}),
    ([{"plan": 1}, {"b": 2}], ("plan",), [{}, {"b": 2}]),
    ({"plan": {"a": 1}, "b": {"plan": [1], "c": True}}, ("plan",), {"b": {"c": True}}),
    # a name with dots
    (
        {"address": {"city": 1, "zip": 2}, "city": 3},
        ("address.city",),
        {"address": {"zip": 2}, "city": 3},
    ),
    ({"address.city": 1, "x": {"address": {"city": 2}}}, ("address.city",), {"x": {"address": {}}}),
    (
        {"a": {"b": {"c": 1}}, "b": {"c": 2}, "c": 3},
        ("a.b.c",),
        {"a": {"b": {}}, "b": {"c": 2}, "c": 3},
    ),
    ({"address": [{"city": 1}, {"zip": 2}]}, ("address.city",), {"address": [{}, {"zip": 2}]}),
    # a change of an attribute, from one value to another
    (
        {"plan": {"from": 1, "to": 2}, "city": {"from": 1, "to": 2}},
        ("plan",),
        {"city": {"from": 1, "to": 2}},
    ),
    (
        {"address": {"from": {"city": 1, "zip": 2}}},
        ("address.city",),
        {"address": {"from": {"zip": 2}}},
    ),
    (
        {"address": {"to": {"city": 1}, "at": {"city": 1}}},
        ("address.city",),
        {"address": {"to": {}, "at": {"city": 1}}},
    ),
    # texts that hold JSON
    ({"a": '{"plan": 1, "b": "é"}'}, ("plan",), {"a": '{"b":"é"}'}),
    ({"a": ' [ {"plan": 1} ]'}, ("plan",), {"a": "[{}]"}),
    ({"a": '{ "b": 2 }'}, ("plan",), {"a": '{ "b": 2 }'}),
    ({"a": '{"b": 1, "b": 2}'}, ("plan",), {"a": '{"b":2}'}),
    ({"a": json.dumps(json.dumps({"plan": 1}))}, ("plan",), {"a": json.dumps("{}")}),
    ({"a": '{"plan": 1'}, ("plan",), {"a": ""}),
    ({"a": "{'PLAN' : 1}"}, ("plan",), {"a": ""}),
    ({"a": '{\\"plan\\": 1,}'}, ("plan",), {"a": ""}),
    ({"a": '{"\\u0070lan": 1,}'}, ("plan",), {"a": ""}),
    ({"a": '{"p\\u200blan": 1,}'}, ("plan",), {"a": ""}),
    ({"a": "{'city': 1,}"}, ("address.city",), {"a": ""}),
    ({"a": "{'city': 1,}"}, ("plan",), {"a": "{'city': 1,}"}),
    ({"a": "my plan: pro"}, ("plan",), {"a": "my plan: pro"}),
    ({"a": "[" * 5000 + "]" * 5000}, ("plan",), {"a": ""}),
    # identifiers, and others with the same value
    ({"id": "u1", "cio_id": "c1", "a": "u1"}, ("id",), {"cio_id": "c1", "a": "u1"}),
    ({"id": "Ada1", "email": "ada1", "phone": " ADA1 "}, ("id",), {}),
    ({"id": "u1", "phone": "u1"}, ("id",), {"phone": "u1"}),
    ({"id": "abc", "phone": "abc", "email": 7}, ("id",), {"email": 7}),
    ({"plan": "abc", "id": "abc"}, ("plan",), {"id": "abc"}),
    # addresses and numbers in other texts
    ({"email": "Ada@b.co", "a": "to ada@b.co!"}, ("email",), {"a": "to ***!"}),
    ({"email": "ada@b.co", "a": " ADA@B.CO "}, ("email",), {"a": "***"}),
    (
        {"email": "ada@b.co", "a": "'ada@b.co', xada@b.co, ada@b.co.uk"},
        ("email",),
        {"a": "***', xada@b.co, ada@b.co.uk"},
    ),
    ({"email": "ada@b.co", "ada@b.co x": [1, "ada@b.co"]}, ("email",), {"*** x": [1, "***"]}),
    ({"email": "ada@b.co", "a": '{"b": "x ada@b.co"}'}, ("email",), {"a": '{"b":"x ***"}'}),
    (
        {"email": ["ada@b.co", {"work": "bob@b.co"}], "a": "ada@b.co bob@b.co"},
        ("email",),
        {"a": "*** bob@b.co"},
    ),
    ({"email": '["ada@b.co"]', "a": "ada@b.co"}, ("email",), {"a": "***"}),
    ({"email": "ada@b.co", "a": "ada@b.co"}, ("plan",), {"email": "ada@b.co", "a": "ada@b.co"}),
    (
        {"phone": "+49 151 2345678", "a": "+491512345678, 12345678, 345678"},
        ("phone",),
        {"a": "***, ***, 345678"},
    ),
    ({"phone": "+49 151 2345678", "a": "call 0151 2345678"}, ("phone",), {"a": "call ***"}),
    ({"phone": "0151 2345678", "a": "+49 (151) 234-5678"}, ("phone",), {"a": "***"}),
    ({"phone": "0049 151 2345678", "a": "+49 151 2345678"}, ("phone",), {"a": "***"}),
    ({"phone": "0001234567", "a": "0891234567, 0234567"}, ("phone",), {"a": "***, 0234567"}),
    ({"phone": "+49 151 2345678", "a": "(0151) 234-56.79"}, ("phone",), {"a": "(0151) 234-56.79"}),
    ({"phone": "+49 151 2345678", "a": "00491512345678"}, ("phone",), {"a": "***"}),
    (
        {"phone": "123456", "a": "is 123456", "b": "1234567"},
        ("phone",),
        {"a": "is ***", "b": "1234567"},
    ),
    ({"phone": "12345", "a": "is 12345"}, ("phone",), {"a": "is 12345"}),
]


def test_of_a_person_everything_stays_but_what_is_hidden() -> None:
    for reply, hidden, stays in PARTS:
        assert left(reply, *hidden) == stays, reply


def test_nothing_hidden_leaves_the_reply_itself() -> None:
    reply = {"plan": 1}
    assert without_hidden(reply, WHOLE, frozenset()) is reply


def test_only_people_lose_what_is_hidden() -> None:
    reply = {"plan": 1, "who": [{"plan": 2, "a": 3}], "other": {"plan": 4}, "text": '{"plan": 5}'}
    assert left(reply, "plan", people=NO_PEOPLE) == reply
    at_who = People(at=("who", "none.at"))
    assert left(reply, "plan", people=at_who) == {**reply, "who": [{"a": 3}]}
    at_text = People(at=("text", "other"))
    assert left(reply, "plan", people=at_text) == {**reply, "other": {}, "text": "{}"}
    deep = {"rows": [{"who": {"plan": 1, "b": 2}}, {"who": None}, {}, 7], "who": {"plan": 3}}
    assert left(deep, "plan", people=People(at=("rows.who",))) == {
        "rows": [{"who": {"b": 2}}, {"who": None}, {}, 7],
        "who": {"plan": 3},
    }
    in_text = {"rows": '[{"who": {"plan": 1}}]'}
    assert left(in_text, "plan", people=People(at=("rows.who",))) == {"rows": '[{"who":{}}]'}


def test_whoever_has_a_cio_id_is_a_person_wherever_they_stand() -> None:
    person = {"cio_id": "c1", "plan": 1, "a": {"plan": 2}}
    bare = {"cio_id": "c1", "a": {}}
    reply = {"x": [person, {"y": person}], "plan": 3, "text": json.dumps([person]), "n": 7}
    assert left(reply, "plan", people=NO_PEOPLE) == {
        "x": [bare, {"y": bare}],
        "plan": 3,
        "text": '[{"cio_id":"c1","a":{}}]',
        "n": 7,
    }
    hidden_id = {"x": {"cio_id": "c12", "id": "C12", "b": 1}}
    assert left(hidden_id, "cio_id", people=NO_PEOPLE) == {"x": {"b": 1}}


RENAMED = People(renamed={"rows.to": ("email", "phone"), "top": ("id",)})


def test_an_attribute_under_another_name_goes_or_is_emptied() -> None:
    reply = {
        "rows": [
            {"to": "Ada@b.co", "a": "for ada@b.co"},
            {"to": ["bob@b.co", "+49 151 2345678"], "a": "bob@b.co 151 2345678"},
            {"to": {"x": "c@b.co"}, "a": "c@b.co"},
            {"to": None, "a": 1},
            {"a": 2},
            7,
        ],
        "top": "u1",
    }
    by_email = left(reply, "email", people=RENAMED)
    assert by_email == {
        "rows": [
            {"a": "for ***"},
            {"to": [], "a": "*** 151 2345678"},
            {"to": {}, "a": "***"},
            {"a": 1},
            {"a": 2},
            7,
        ],
        "top": "u1",
    }
    by_phone = left(reply, "Phone", people=RENAMED)
    assert by_phone["rows"][:2] == [{"a": "for ada@b.co"}, {"to": [], "a": "bob@b.co ***"}]
    assert left(reply, "id", people=RENAMED) == {"rows": reply["rows"]}
    assert left(reply, "plan", people=RENAMED) == reply
    text = {"rows": json.dumps(reply["rows"][0])}
    assert left(text, "email", people=RENAMED) == {"rows": '{"a":"for ***"}'}
    text = {"rows": json.dumps([[reply["rows"][0]], 7])}
    assert left(text, "email", people=RENAMED) == {"rows": '[[{"a":"for ***"}],7]'}


PRINTED = People(printed=("body", "rows.text"), subjects=("subject",))


@pytest.mark.parametrize("hidden", ["plan", "email"])
def test_what_may_print_any_attribute_is_emptied(hidden: str) -> None:
    reply = {
        "body": "Dear Ada",
        "rows": [{"text": ["a"]}, {"text": {"a": 1}}, {"text": 7}, {"b": 1}],
        "subject": "Ada, hello",
        "c": "Ada",
    }
    assert left(reply, hidden, people=PRINTED) == {
        "body": None,
        "rows": [{"text": [None]}, {"text": {}}, {"text": None}, {"b": 1}],
        "subject": "Ada, hello" if hidden == "email" else None,
        "c": "Ada",
    }


def test_paths_are_several_texts() -> None:
    for wrong in ({"at": "ab"}, {"printed": "ab"}, {"subjects": "ab"}, {"renamed": {"a": "id"}}):
        with pytest.raises(
            TypeError, match=r"^People takes tuples of texts, such as \('customer',\)\.$"
        ):
            People(**wrong)


PATHS: list[tuple[str, set[str], bool, bool]] = [
    ("plan", {"plan"}, True, True),
    ("Plan ", {"plan"}, True, True),
    ("plan.a", {"plan"}, False, True),
    ("a.plan", {"plan"}, True, True),
    ("a.plan.b", {"plan"}, False, True),
    ("planned", {"plan"}, False, False),
    ("address", {"address.city"}, False, True),
    ("x.address", {"address.city"}, False, True),
    ("address.city", {"address.city"}, True, True),
    ("address.city.a", {"address.city"}, False, True),
    ("address.zip", {"address.city"}, False, False),
    ("city", {"address.city"}, False, False),
    ("city.address.x", {"address.city"}, False, False),
    ("a", {"a.b.c"}, False, True),
    ("a.b", {"a.b.c"}, False, True),
    ("x.a.b", {"a.b.c"}, False, True),
    ("b.c", {"a.b.c"}, False, False),
    ("a.b.c", {"a.b.c", "z"}, True, True),
    ("address.first.city", {"address.city"}, False, True),
    ("address.last.city", {"address.city"}, False, True),
    ("address.0.city", {"address.city"}, False, True),
    ("address.0", {"address.city"}, False, True),
    ("first", {"first"}, True, True),
    ("", {"plan"}, False, False),
    ("plan", set(), False, False),
]


def test_a_path_leads_to_through_or_above_what_is_hidden() -> None:
    for path, hidden, ends, within in PATHS:
        names = path.split(".") if path else []
        assert ends_hidden(names, hidden) is ends
        assert hides_within(names, hidden) is within


def test_a_name_is_hidden_in_any_spelling() -> None:
    assert folded(" STRASSE\t") == folded("straße") == "strasse"
    assert folded("Cafe\u0301") == "café"
    assert is_hidden(" Plan", {"plan"})
    assert not is_hidden("plans", {"plan"})
