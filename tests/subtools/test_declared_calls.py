"""What a declaration says of itself, and of one call: what it shows, reads and reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools import all_subtools, subtools
from customerio_tool.subtools.declare import (
    UNNAMED,
    Addressees,
    Answer,
    Api,
    Effect,
    Endpoint,
    FoundThrough,
    Member,
    Reach,
    SecondRead,
    Subtool,
)
from customerio_tool.subtools.declare.marks import (
    IDENTIFIES,
    NARROWS,
    RARE,
    AlsoCalled,
    FoundBy,
    Short,
    finders_of,
    marks,
    marks_of,
)
from customerio_tool.subtools.declare.target import TARGET_MEMBERS
from tests.subtools.calls import AT
from tests.subtools.every_kind import EveryKindArgs, every_kind

SHOWN: Mapping[str, Any] = {
    "segment_id": {
        "description": "Id of the segment.",
        "maximum": 2**53 - 1,
        "minimum": 1,
        "type": "integer",
    },
    "person": {"description": "Id, email, or cio_... id.", "type": "string"},
    **{name: {"type": "string"} for name in ("text", "line", "name", "key", "email", "path_id")},
    "flag": {"type": "boolean"},
    "data": {"type": "object"},
    "people": {"items": {"type": "string"}, "maxItems": 3, "minItems": 1, "type": "array"},
    "rows": {"items": {"type": "object"}, "type": "array"},
    "topics": {"additionalProperties": {"type": "boolean"}, "type": "object"},
    "at": {"type": "string"},
    "event": {"maxLength": 100, "type": "string"},
    "color": {"enum": ["red", "dark_green"], "type": "string"},
    "audience": {"type": "string"},
    "limit": {"maximum": 2000, "minimum": 1, "type": "integer"},
    "offset": {"minimum": 0, "type": "integer"},
    "where": {"type": "string"},
    "template_id": {"maximum": 2**53 - 1, "minimum": 1, "type": "integer"},
    "group_id": {"maximum": 2**53 - 1, "minimum": 1, "type": "integer"},
}
UNSEEN: Mapping[str, Any] = {
    "id_type": {"enum": ["id", "email", "cio_id"], "type": "string"},
    "rare": {"type": "string"},
}


def changed(**members: Any) -> Subtool[Any]:
    """Return the subtool of every kind with other declarations."""
    return replace(every_kind, **members)


def parsed(**given: Any) -> Any:
    return every_kind.parse({"segment_id": 1, **given})


# --- what is shown


def test_a_definition_shows_each_argument_in_one_plain_type() -> None:
    definition = every_kind.definition()
    assert list(definition) == [
        *("name", "title", "description", "input_schema", "output_schema", "annotations"),
    ]
    assert (definition["name"], definition["title"]) == ("every_kind", "Every Kind")
    assert definition["description"] == every_kind.description
    assert definition["input_schema"] == {
        "type": "object",
        "properties": SHOWN,
        "required": ["segment_id"],
        "additionalProperties": False,
    }
    assert definition["output_schema"] == every_kind.output_schema()
    assert definition["annotations"] == {
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": True,
    }


def test_a_description_tells_every_argument_and_the_examples() -> None:
    told = every_kind.describe()
    assert told["input_schema"] == {
        **every_kind.definition()["input_schema"],
        "properties": {**SHOWN, **UNSEEN},
    }
    assert list(told["input_schema"]["properties"]) == every_kind.argument_names
    assert told["examples"] == [
        {"title": "", "arguments": {"segment_id": 1}},
        {"title": "Another one", "arguments": {"segment_id": 2}},
    ]
    assert {name: told[name] for name in ("name", "title", "description", "annotations")} == {
        name: every_kind.definition()[name]
        for name in ("name", "title", "description", "annotations")
    }
    told["examples"][0]["arguments"]["segment_id"] = 9
    told["output_schema"]["properties"].clear()
    assert every_kind.describe()["examples"][0]["arguments"] == {"segment_id": 1}
    assert every_kind.output_schema()["properties"]


def test_the_short_form_has_the_promise_the_use_and_the_needed_words() -> None:
    assert every_kind.brief() == {
        "description": "Reads one segment.",
        "use": "Use to see a segment (its name and size).",
        "words": {"text": "What it says", "color": "Red if not said"},
        "basic": ["segment_id", "person", "color"],
    }
    assert changed(basic=None).brief()["basic"] == list(SHOWN)
    assert changed(basic=()).brief()["basic"] == ["segment_id"]
    erase = subtools()["delete_customer"].brief()["description"]
    assert erase.endswith(". Irreversible.")


@pytest.mark.parametrize(
    ("description", "promise", "use"),
    [
        ("Does a. Use to b; c.", "Does a.", "Use to b."),
        ("Does a, e.g. b. Use to c. D.", "Does a, e.g. b.", "Use to c."),
        ("Does a.", "Does a.", ""),
        ("Does a. Useful. Use for v1.2 of it", "Does a.", ""),
        ("Does a. b. Use it", "Does a. b.", ""),
        ("Use a. Use b.", "Use a.", "Use b."),
    ],
)
def test_a_description_begins_with_its_promise(description: str, promise: str, use: str) -> None:
    subtool = changed(description=description)
    assert (subtool.promise, subtool.use) == (promise, use)


def test_results_that_may_come_are_in_the_schema() -> None:
    always: Mapping[str, Member[Any]] = {"note_id": Member({"type": "integer"}, lambda *_: 7)}
    schema = changed(always=always).output_schema()["properties"]
    own = [name for name in schema if name not in every_kind.output_schema()["properties"]]
    assert own == ["note_id"]
    assert list(schema)[:4] == ["ok", "summary", "outcome", "note_id"]
    sends = subtools()["send_transactional_email"].output_schema()["properties"]
    assert sends["first_sent_at"] == {
        "type": "string",
        "description": "With already_sent: when the first such call was made, ISO 8601.",
    }
    assert sends["possibly"] == {
        "type": "string",
        "description": "After an unknown outcome: what may be of that call.",
    }
    for subtool in all_subtools().values():
        names = subtool.output_schema()["properties"].keys()
        assert ("first_sent_at" in names) == (subtool.effect is Effect.SEND)
        assert ("existed" in names) == (subtool.effect is Effect.ERASE)
        assert ("target" in names) == (subtool.target is not None)
    erase = subtools()["delete_customer"].output_schema()["properties"]
    assert {name: erase[name] for name in TARGET_MEMBERS} == TARGET_MEMBERS


# --- one call


def test_which_endpoint_serves_a_call_depends_on_its_arguments() -> None:
    narrow = Endpoint(Api.APP, "GET", "/v1/segments/{segment_id}/people/{person}/{key}")
    subtool = changed(narrower_endpoint=narrow, narrower_expects="people")
    assert subtool.endpoints == [every_kind.endpoint, narrow]
    assert every_kind.endpoints == [every_kind.endpoint]
    wide = (parsed(), parsed(person="u1"), parsed(key="k"))
    for args in wide:
        assert subtool.endpoint_of(args) is every_kind.endpoint
        assert subtool.expected_of(args) == "segment"
    both = parsed(person="u1", key="k")
    assert subtool.endpoint_of(both) is narrow
    assert subtool.expected_of(both) == "people"
    assert every_kind.endpoint_of(both) is every_kind.endpoint
    assert every_kind.expected_of(both) == "segment"
    assert replace(subtool, narrower_expects=None).expected_of(both) == "segment"
    chosen = replace(subtool, narrower_when=lambda args: args.text == "narrow")
    assert chosen.endpoint_of(both) is every_kind.endpoint
    assert chosen.endpoint_of(parsed(text="narrow")) is narrow


def test_the_apis_of_a_call_are_those_of_both_its_reads() -> None:
    second = SecondRead[Any](
        Endpoint(Api.TRACK, "GET", "/x"), when=lambda _: True, expects="x", about=UNNAMED
    )
    assert every_kind.apis == {Api.APP}
    assert changed(second_read=second).apis == {Api.APP, Api.TRACK}


def test_the_person_of_a_call_has_the_type_that_is_given_or_that_of_its_form() -> None:
    assert every_kind.person_of(parsed()) is None
    assert every_kind.person_of(parsed(person="a@b.co")) == ("email", "a@b.co")
    assert every_kind.person_of(parsed(person="a@b.co", id_type="id")) == ("id", "a@b.co")
    assert every_kind.person_of(parsed(person="cio_1")) == ("cio_id", "cio_1")
    untyped = changed(person_type_argument=None)
    assert untyped.person_of(parsed(person="a@b.co", id_type="id")) == ("email", "a@b.co")
    assert changed(person_argument=None).person_of(parsed(person="u1")) is None


def test_a_message_goes_to_its_person_and_to_whom_it_reaches() -> None:
    reached = changed(reach=lambda args: Reach(known=(("email", args.email), ("key", "k@b.co"))))
    everybody = (("id", "u1"), ("email", "a@b.co"), ("email", "k@b.co"))
    args = parsed(person="u1", email="a@b.co")
    assert reached.addressees_of(args, AT) == Addressees(everybody, everybody)
    assert every_kind.addressees_of(args, AT) == Addressees(everybody[:1], everybody[:1])
    assert every_kind.addressees_of(parsed(), AT) == Addressees((), ())
    own = changed(addressees=lambda _, at: Addressees(marked=(("id", at.workspace),)))
    assert own.addressees_of(args, AT) == Addressees(marked=(("id", "w"),))


def test_the_arguments_that_a_declaration_names_are_told_where_they_are_given() -> None:
    subtool = changed(
        data_argument="data", key_argument="key", file_arguments=("line", "path_id", "name")
    )
    args = parsed(data={"a": 1}, key="k", line="x", name="y", where="plan is pro")
    assert subtool.data_of(args) == {"a": 1}
    assert subtool.key_of(args) == "k"
    assert subtool.files_of(args) == ["line", "name"]
    assert subtool.filters_of(args) == {"where": "plan is pro"}
    bare = parsed()
    assert (subtool.data_of(bare), subtool.key_of(bare)) == ({}, None)
    assert (subtool.files_of(bare), subtool.filters_of(bare)) == ([], {})
    assert (every_kind.data_of(args), every_kind.key_of(args)) == ({}, None)
    assert every_kind.files_of(args) == []


def test_templates_are_in_what_a_message_may_have() -> None:
    args = parsed(text="{{a}}")
    assert every_kind.templates_of(args) == {}
    assert changed(may_start_campaigns=True).templates_of(args) == {
        "segment_id": 1,
        "text": "{{a}}",
    }
    push = subtools()["send_transactional_push"]
    given = push.parse({"customer_id": "u1", "transactional_message_id": 3})
    assert push.templates_of(given) == given.given()


def test_what_opens_the_reach_of_messages_is_said() -> None:
    assert every_kind.opens_reach == ""
    redirects = changed(may_redirect_messages=True)
    assert redirects.opens_reach == "can change where messages to a person go"
    starts = replace(redirects, may_start_campaigns=True)
    assert starts.opens_reach == "can start campaigns, which write to anybody"


def test_advice_on_a_missing_id_is_of_the_look_up_where_that_may_run() -> None:
    through = FoundThrough[Any]("list_templates", lambda args: f"List them ({args.segment_id}).")
    hinted = changed(not_found_hint=lambda args: f"Ask ({args.segment_id}).")
    both = replace(hinted, found_through=through)
    assert every_kind.advice_of(parsed(), ["list_templates"]) == ""
    assert hinted.advice_of(parsed(), ["list_templates"]) == "Ask (1)."
    assert both.advice_of(parsed(), ["list_templates"]) == "List them (1)."
    assert both.advice_of(parsed(), ["list_people"]) == "Ask (1)."
    assert changed(found_through=through).advice_of(parsed(), []) == ""


def test_a_changed_call_is_sent_as_a_model_sends_it() -> None:
    args = parsed(at="2026-11-23T12:00:00+01:00", text="a", offset=0)
    assert every_kind.changed(args, {"text": None, "line": "b"}) == {
        "segment_id": 1,
        "at": "2026-11-23T11:00:00Z",
        "offset": 0,
        "line": "b",
    }
    assert every_kind.changed(args, {}) == {
        "segment_id": 1,
        "at": "2026-11-23T11:00:00Z",
        "offset": 0,
        "text": "a",
    }


def test_members_that_every_result_has_come_from_the_call() -> None:
    always: Mapping[str, Member[Any]] = {
        "note_id": Member({"type": "string"}, lambda args, at: f"{args.segment_id}-{at.now}"),
        "summary_of": Member({"type": "string"}, lambda *_: "x"),
    }
    subtool = changed(always=always)
    facts = {"note_id": f"1-{AT.now}", "summary_of": "x"}
    answer = Answer(parsed(), AT, {"segment": {"name": "Beta"}})
    assert subtool.facts(parsed(), AT) == facts
    assert subtool.result(answer) == {**every_kind.result(answer), **facts}
    assert every_kind.result(answer) == {
        "ok": True,
        "summary": "Segment 1 is Beta.",
        "outcome": "done",
        "segment": {"name": "Beta"},
        "untrusted": True,
    }
    assert every_kind.facts(parsed(), AT) == {}


def test_a_subtool_mends_its_own_mistakes_as_only_it_can() -> None:
    def mend(given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "line": "mended"} if given.get("line") == "a\nb" else given

    wrong = {"segment_id": 1, "line": "a\nb", "flag": "yes"}
    with pytest.raises(ArgumentsInvalid) as refused:
        changed(mend=mend).parse(wrong)
    assert refused.value.corrected == {"segment_id": 1, "line": "mended", "flag": True}
    with pytest.raises(ArgumentsInvalid) as refused:
        every_kind.parse(wrong)
    assert refused.value.corrected is None


def test_of_many_unknown_arguments_one_more_than_is_told_is_looked_at() -> None:
    given = {"segment_id": 1, **{f"_{n}": n for n in range(100)}, "_none": None, "text": None}
    with pytest.raises(ArgumentsInvalid) as refused:
        every_kind.parse(given)
    assert [each.path for each in refused.value.fields] == [f"_{n}" for n in range(20)]
    assert refused.value.summary.endswith(" And 16 more.")


# --- the marks of arguments


def test_marks_are_found_at_any_depth_of_a_type() -> None:
    fields = EveryKindArgs.model_fields
    assert [name for name, each in fields.items() if marks(each, RARE)] == ["rare"]
    assert [name for name, each in fields.items() if marks(each, NARROWS)] == [
        *("audience", "group_id"),
    ]
    assert [name for name, each in fields.items() if marks(each, IDENTIFIES)] == [
        *("person", "name", "key", "email", "path_id", "people"),
    ]
    assert marks_of(fields["text"], Short) == [Short("What it says")]
    assert marks_of(fields["key"], AlsoCalled) == [AlsoCalled("token")]
    assert marks_of(fields["key"], Short) == []
    found = FoundBy("list_segments", ("segment_name",))
    template = FoundBy("list_templates", ("template_name",), is_lookup=True)
    assert finders_of(EveryKindArgs, ()) == {"segment_id": found}
    assert finders_of(EveryKindArgs, ["list_people"]) == {"segment_id": found}
    assert finders_of(EveryKindArgs, ["list_templates"]) == {
        "segment_id": found,
        "template_id": template,
    }
