"""Definitions in less detail: fewer words for a model, and the same calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool import CustomerIoTool, Detail, Dialect
from customerio_tool.details import RESULT_SCHEMA, in_detail
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.declare.marks import IMPLIED, RARE, marks
from tests.subtools.test_dialects import DIALECTS, EXAMPLES, JSON, made
from tests.subtools.test_wrong_calls import ROWS, WrongCall, refusal
from tests.support.clients import example_of
from tests.support.dialects import PARAMETERS, PROVIDERS, as_filled, problems

DETAILS: tuple[Detail, ...] = get_args(Detail)
SHORTER: tuple[Detail, ...] = tuple(each for each in DETAILS if each != "full")
LIMITS = {"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "pattern"}
LIMITS |= {"minProperties", "maxProperties", "additionalProperties"}

Schemas: TypeAlias = dict[tuple[Dialect, Detail], dict[str, Any]]

each_shorter = pytest.mark.parametrize("detail", SHORTER)


@pytest.fixture(scope="module")
def tool() -> Iterator[CustomerIoTool]:
    with made(policy={"dry_run": True}) as ready:
        yield ready


@pytest.fixture(scope="module")
def with_lookups() -> Iterator[CustomerIoTool]:
    with made(policy={"dry_run": True}, lookups=True) as ready:
        yield ready


@pytest.fixture(scope="module")
def schemas(with_lookups: CustomerIoTool) -> Schemas:
    """The schemas of the arguments by subtool, in each dialect and each shorter detail."""
    return {
        (dialect, detail): {
            each["name"]: each[PARAMETERS[dialect]]
            for each in with_lookups.definitions(None, dialect, detail)
        }
        for dialect, detail in product(DIALECTS, SHORTER)
    }


def hidden(subtool: Subtool[Any]) -> set[str]:
    fields = subtool.args.model_fields.items()
    return {name for name, field in fields if marks(field, IMPLIED) or marks(field, RARE)}


# --- what is shown


def test_full_is_what_a_tool_shows_where_nothing_is_said(tool: CustomerIoTool) -> None:
    for dialect in DIALECTS:
        said = tool.definitions(dialect=dialect, detail="full")
        assert json.dumps(said) == json.dumps(tool.definitions(dialect=dialect))


def test_full_is_the_definition_to_the_byte() -> None:
    for subtool in subtools().values():
        whole = subtool.definition()
        assert json.dumps(in_detail(whole, subtool.brief(), "full")) == json.dumps(whole)


def test_compact_has_every_argument_and_basic_those_that_are_declared(tool: CustomerIoTool) -> None:
    for name, subtool in subtools().items():
        shown = {d: tool.definition(name, detail=d)["input_schema"] for d in DETAILS}
        whole, basic = shown["full"], subtool.basic
        names = list(whole["properties"])
        required = whole.get("required", [])
        assert list(shown["compact"]["properties"]) == names
        declared = [each for each in names if basic is None or each in {*basic, *required}]
        assert list(shown["basic"]["properties"]) == declared
        assert {tuple(each.get("required", ())) for each in shown.values()} == {tuple(required)}


@each_shorter
def test_a_shorter_definition_has_no_limits_and_says_no_more(
    detail: Detail, tool: CustomerIoTool
) -> None:
    for short, whole in zip(tool.definitions(detail=detail), tool.definitions(), strict=True):
        schema = short["input_schema"]
        assert [word for word in LIMITS if f'"{word}":' in json.dumps(schema)] == []
        assert short["output_schema"] == RESULT_SCHEMA
        assert {key: short[key] for key in ("name", "title", "annotations")} == {
            key: whole[key] for key in ("name", "title", "annotations")
        }
        assert len(json.dumps(schema)) < len(json.dumps(whole["input_schema"]))


@each_shorter
def test_what_cannot_be_undone_says_so_in_any_detail(detail: Detail, tool: CustomerIoTool) -> None:
    shown = tool.definitions(detail=detail)
    said = {each["name"] for each in shown if "Irreversible" in each["description"]}
    assert said == {name for name, each in subtools().items() if each.effect.word == "erase"}


def test_basic_also_says_when_to_use_a_subtool_in_words_of_the_whole(tool: CustomerIoTool) -> None:
    for basic, compact in zip(
        tool.definitions(detail="basic"), tool.definitions(detail="compact"), strict=True
    ):
        use = basic["description"].removeprefix(compact["description"]).removesuffix(".")
        assert use.startswith(" Use ")
        assert use in subtools()[basic["name"]].description


@pytest.mark.parametrize(("dialect", "detail"), list(product(PROVIDERS, SHORTER)))
@pytest.mark.parametrize("confirm", ["never", "repeat"])
def test_a_shorter_definition_keeps_the_rules_of_its_provider(
    dialect: Dialect, detail: Detail, confirm: str
) -> None:
    with made(policy={"confirm": confirm}) as tool:
        shown = tool.definitions(None, dialect, detail)
    assert {each["name"]: found for each in shown if (found := problems(dialect, each))} == {}


@each_shorter
def test_the_token_of_a_second_look_is_shown_in_any_detail(detail: Detail) -> None:
    with made(policy={"confirm": "repeat"}) as tool:
        schema = tool.definition("delete_customer", detail=detail)["input_schema"]
    assert "confirmation_token" in schema["properties"]


def test_an_unknown_detail_is_refused_and_the_known_ones_are_named(tool: CustomerIoTool) -> None:
    for ask in (tool.definitions, lambda **given: tool.definition("get_segment", **given)):
        with pytest.raises(ValueError, match="'short' is no detail") as refused:
            ask(detail="short")  # type: ignore[arg-type]  # it is the point
        assert all(repr(each) in str(refused.value) for each in DETAILS)


# --- what is not shown


def test_describe_tells_every_argument_that_a_call_takes_and_the_examples(
    tool: CustomerIoTool,
) -> None:
    for name, subtool in subtools().items():
        told = tool.describe(name)
        assert list(told["input_schema"]["properties"]) == subtool.argument_names
        assert {key: told[key] for key in subtool.definition() if key != "input_schema"} == {
            key: value for key, value in subtool.definition().items() if key != "input_schema"
        }
        assert [each["arguments"] for each in told["examples"]] == [
            dict(each.arguments) for each in subtool.examples
        ]


def test_what_describe_tells_is_the_callers_own(tool: CustomerIoTool) -> None:
    before = json.dumps(tool.describe("track_event"))
    told = tool.describe("track_event")
    told["input_schema"]["properties"].clear()
    told["examples"][0]["arguments"].clear()
    assert json.dumps(tool.describe("track_event")) == before


def test_some_argument_is_hidden_in_every_detail_and_told_by_describe(tool: CustomerIoTool) -> None:
    names = {name: hidden(subtool) for name, subtool in subtools().items()}
    assert any(names.values())
    for name, detail in product(subtools(), DETAILS):
        shown = tool.definition(name, detail=detail)["input_schema"]["properties"]
        assert not names[name] & shown.keys()
        assert names[name] <= tool.describe(name)["input_schema"]["properties"].keys()


# --- the calls


def arguments_near(examples: list[dict[str, Any]], names: list[str]) -> st.SearchStrategy[Any]:
    """Return arguments like those of examples: some left out, some with another value."""
    members = st.dictionaries(st.sampled_from(names), JSON, max_size=2)
    dropped = st.sets(st.sampled_from(names), max_size=2)
    return st.builds(
        lambda example, changed, gone: {
            key: value for key, value in {**example, **changed}.items() if key not in gone
        },
        st.sampled_from(examples),
        members,
        dropped,
    )


@given(data=st.data())
def test_a_shorter_schema_takes_every_call_that_the_whole_one_takes(data: st.DataObject) -> None:
    subtool = subtools()[data.draw(st.sampled_from(list(subtools())))]
    examples = [dict(each.arguments) for each in subtool.examples]
    arguments = data.draw(arguments_near(examples, subtool.argument_names))
    whole = subtool.input_schema()
    if Draft202012Validator(whole).is_valid(arguments):
        for detail in SHORTER:
            short = in_detail(subtool.definition(), subtool.brief(), detail)["input_schema"]
            assert list(Draft202012Validator(short).iter_errors(arguments)) == []


@pytest.mark.parametrize("case", EXAMPLES)
def test_an_example_is_the_same_call_through_every_dialect_and_detail(
    case: str, tool: CustomerIoTool, schemas: Schemas
) -> None:
    name, arguments = EXAMPLES[case]
    plain = tool.call(name, arguments)
    assert plain["ok"]
    for dialect, detail in product(DIALECTS, SHORTER):
        schema = schemas[dialect, detail][name]
        call = as_filled(schema, arguments)
        if dialect != "openai_strict" or arguments.keys() <= schema["properties"].keys():
            assert list(Draft202012Validator(schema).iter_errors(call)) == []
        assert tool.call(name, call) == plain


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_wrong_call_is_refused_in_the_same_words_in_every_detail(
    row: WrongCall, with_lookups: CustomerIoTool, schemas: Schemas
) -> None:
    plain = refusal(with_lookups, row.subtool, row.given)
    strict = (schemas["openai_strict", each][row.subtool] for each in SHORTER)
    calls = [as_filled(each, row.given) for each in strict]
    for call in [each for each in calls if repr(each) != repr(row.given)]:
        assert refusal(with_lookups, row.subtool, call) == plain


def test_an_argument_that_no_definition_shows_is_taken(tool: CustomerIoTool) -> None:
    mail = example_of("send_transactional_email") | {"id_type": "id", "customer_id": "u1"}
    assert "id_type" not in json.dumps(tool.definition("send_transactional_email"))
    assert tool.call("send_transactional_email", mail)["ok"]
