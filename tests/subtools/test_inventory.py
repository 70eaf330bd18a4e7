"""The rules that every subtool keeps, and what each one was agreed to promise and take."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from customerio_tool.subtools import PAGE, all_subtools, messages, people, subtools
from customerio_tool.subtools.declare import Effect, Subtool

CONTRACT = Path(__file__).parents[1] / "contract" / "arguments.yaml"
AGREED: dict[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
PLAIN_TYPES = {"string", "integer", "number", "boolean", "array", "object"}
COMBINATORS = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "if", "default", "title"}
BOUNDS = {"integer": ("minimum", "maximum"), "array": ("minItems", "maxItems")} | {
    "object": ("minProperties", "maxProperties")
}

every = pytest.mark.parametrize("subtool", all_subtools().values(), ids=list(all_subtools()))
agreed = pytest.mark.parametrize("name", list(AGREED))


def properties_of(subtool: Subtool[Any]) -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = subtool.input_schema()["properties"]
    return properties


def all_schemas(schema: Any) -> list[dict[str, Any]]:
    """A schema and those of everything inside it."""
    inside = [*schema.get("properties", {}).values()]
    inside += [schema[key] for key in ("items", "additionalProperties") if schema.get(key)]
    inside += schema.get("anyOf", [])
    return [schema, *(found for part in inside for found in all_schemas(part))]


@every
def test_a_subtool_has_a_name_that_variables_can_hold(subtool: Subtool[Any]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", subtool.name)


@every
def test_a_description_is_whole_sentences_on_one_line(subtool: Subtool[Any]) -> None:
    assert re.fullmatch(r"[A-Z].*\.", subtool.description)
    assert "  " not in subtool.description


@every
def test_other_subtools_that_a_description_names_exist(subtool: Subtool[Any]) -> None:
    texts = [subtool.description, *(p["description"] for p in properties_of(subtool).values())]
    words = set(re.findall(r"[a-z]+(?:_[a-z]+)+", " ".join(texts)))
    verbs = tuple({name.partition("_")[0] + "_" for name in all_subtools()})
    known = {*all_subtools(), *properties_of(subtool), *subtool.output_schema()["properties"]}
    assert {word for word in words if word.startswith(verbs)} <= known


@every
def test_the_arguments_are_flat_and_closed(subtool: Subtool[Any]) -> None:
    schema = subtool.input_schema()
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert not COMBINATORS & set(schema)
    assert set(schema.get("required", [])) <= set(schema["properties"])


@every
def test_an_argument_has_one_plain_type_and_a_description(subtool: Subtool[Any]) -> None:
    for name, schema in properties_of(subtool).items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert schema["type"] in PLAIN_TYPES, name
        assert not COMBINATORS & set(schema), name
        assert re.fullmatch(r"\S.*\.", schema["description"]), name


@every
def test_schemas_use_no_word_that_json_schema_does_not_know(subtool: Subtool[Any]) -> None:
    vocabulary = {
        *("type", "properties", "required", "additionalProperties", "items", "description"),
        *("enum", "pattern", "maxLength", *(bound for pair in BOUNDS.values() for bound in pair)),
    }
    for schema, more in (
        (subtool.input_schema(), set[str]()),
        (subtool.output_schema(), {"anyOf"}),
    ):
        Draft202012Validator.check_schema(schema)
        assert {word for part in all_schemas(schema) for word in part} <= vocabulary | more


@every
def test_what_may_be_null_in_a_result_is_a_plain_type_or_null(subtool: Subtool[Any]) -> None:
    for part in all_schemas(subtool.output_schema()):
        if "anyOf" in part:
            plain, null = part["anyOf"]
            assert (plain["type"] in PLAIN_TYPES, null) == (True, {"type": "null"})


@every
def test_a_number_has_a_least_value(subtool: Subtool[Any]) -> None:
    numbers = {k: v for k, v in properties_of(subtool).items() if v["type"] == "integer"}
    assert all("minimum" in schema for schema in numbers.values()), numbers


@every
def test_a_result_surely_holds_ok_and_a_summary_and_is_open(subtool: Subtool[Any]) -> None:
    schema = subtool.output_schema()
    assert (schema["type"], schema["required"]) == ("object", ["ok", "summary"])
    assert "additionalProperties" not in schema


@every
def test_an_argument_and_a_result_of_one_name_have_one_type(subtool: Subtool[Any]) -> None:
    given, told = properties_of(subtool), subtool.output_schema()["properties"]
    for name in given.keys() & told.keys():
        types = told[name]["type"]
        assert given[name]["type"] in ([types] if isinstance(types, str) else types), name


@every
def test_what_a_result_tells_is_described(subtool: Subtool[Any]) -> None:
    told = subtool.output_schema()["properties"]
    plain = {"outcome", "error"}  # their choices say it
    assert [name for name in told.keys() - plain if "description" not in told[name]] == []


@every
def test_a_subtool_has_one_plain_example_and_one_awkward(subtool: Subtool[Any]) -> None:
    assert len(subtool.examples) > 1
    assert len({str(example.arguments) for example in subtool.examples}) == len(subtool.examples)
    for example in subtool.examples:
        subtool.parse(example.arguments)


@every
def test_a_reference_is_a_page_of_the_vendors(subtool: Subtool[Any]) -> None:
    assert re.match(r"https://(docs\.)?customer\.io/", subtool.reference)


@every
def test_a_null_means_that_an_optional_argument_is_not_given(subtool: Subtool[Any]) -> None:
    optional = set(properties_of(subtool)) - set(subtool.input_schema().get("required", []))
    for example in subtool.examples:
        nulls = dict.fromkeys(optional - example.arguments.keys())
        assert subtool.parse({**example.arguments, **nulls}) == subtool.parse(example.arguments)


@agreed
def test_a_description_begins_with_the_promise_of_the_products_page(name: str) -> None:
    description = subtools()[name].description
    assert f"{description} ".startswith(f"{AGREED[name]['promise']} ")


@agreed
def test_a_description_then_says_when_to_use_the_subtool(name: str) -> None:
    rest = subtools()[name].description.removeprefix(AGREED[name]["promise"])
    assert re.match(r" Use (to|when|for) [a-z]", rest)


@agreed
def test_a_subtool_has_the_effect_and_the_api_that_were_agreed(name: str) -> None:
    subtool = subtools()[name]
    told = (subtool.effect.word, subtool.endpoint.api.value)
    assert told == (AGREED[name]["effect"], AGREED[name]["api"])


@agreed
def test_a_subtool_takes_exactly_the_arguments_that_were_agreed(name: str) -> None:
    schema = subtools()[name].input_schema()
    required = schema.get("required", [])
    taken = {
        key: {"type": told["type"]}
        | ({"required": True} if key in required else {})
        | ({"enum": told["enum"]} if "enum" in told else {})
        for key, told in schema["properties"].items()
    }
    wanted = AGREED[name]["arguments"]
    bare = {k: {w: v for w, v in a.items() if w not in ("min", "max")} for k, a in wanted.items()}
    assert taken == bare
    assert list(taken) == list(wanted)


@agreed
def test_the_bounds_that_were_agreed_are_published(name: str) -> None:
    properties = properties_of(subtools()[name])
    for key, wanted in AGREED[name]["arguments"].items():
        least, most = BOUNDS.get(wanted["type"], ("", ""))
        for bound, word in (("min", least), ("max", most)):
            if bound in wanted:
                assert properties[key].get(word) == wanted[bound], (key, word)


def test_the_24_subtools_of_the_products_page_come_first_and_in_its_order() -> None:
    assert len(PAGE) == 24
    assert list(AGREED) == list(PAGE)
    assert tuple(subtools())[: len(PAGE)] == PAGE


def test_two_declarations_never_share_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = replace(next(iter(subtools().values())))
    monkeypatch.setattr(people, "twin", twin, raising=False)
    with pytest.raises(TypeError, match="one name"):
        subtools.__wrapped__()


def test_a_subtool_of_the_page_is_never_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(messages, "list_messages")
    with pytest.raises(TypeError, match="declared as list_messages"):
        subtools.__wrapped__()


@pytest.mark.parametrize("effect", list(Effect))
def test_no_effect_contradicts_itself(effect: Effect) -> None:
    assert not (effect.read_only and effect.destructive)
    assert not (effect.read_only and effect.asked_first)
    assert effect.annotations["readOnlyHint"] is effect.read_only
    assert effect.annotations["openWorldHint"] is True
