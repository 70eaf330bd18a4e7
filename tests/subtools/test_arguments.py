"""Whatever a model types for an argument is refused with a reason or becomes one whole request."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from customerio_tool.calls.call import Call
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Request
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Invocation, Subtool
from customerio_tool.subtools.declare.addresses import address_fault, is_like_an_address
from customerio_tool.subtools.declare.characters import has_hidden_edge
from customerio_tool.subtools.declare.identifiers import is_phone, may_be, shape_of
from customerio_tool.subtools.declare.json_input import MAX_DEPTH
from customerio_tool.subtools.declare.placeholders import is_placeholder

AT = Invocation(now=1_795_435_200.5, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
SUBTOOLS = subtools()
ARGUMENTS = [(name, one) for name, subtool in SUBTOOLS.items() for one in subtool.argument_names]
PATHS_OF_TEXT = [
    (name, slot)
    for name, subtool in SUBTOOLS.items()
    for endpoint in subtool.endpoints
    for slot in endpoint.slots
    if subtool.input_schema()["properties"][slot]["type"] == "string"
]

awkward = st.sampled_from(
    [
        *(
            "",
            " ",
            ".",
            "..",
            "%2e%2E",
            "%252e",
            "a/b",
            "a?b=c#d",
            "a;b",
            "a\\b",
            "//",
            "{0}",
            "%s",
        ),
        *("ada+test@example.com", "cio_d9c106000001", "cio_", "用户7", "zoë", "\u202e", "\ud800"),
        *("true", "null", "NaN", "1e999", "0x10", "-1", "9" * 25, "9" * 5000, "1763800000000"),
        *("2026-11-23", "2026-13-45", "[]", "{}", '{"a": 1, "a": 2}', "[" * 9000, '{"a": NaN}'),
        *("\x00", "a\r\nb", "\ufeff", "👩‍👩‍👧", "default", "email", "Europe/Berlin", "../../etc"),
    ]
)
texts = st.one_of(awkward, st.text(max_size=40))
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, -(10**400), 2**53, -0.0]))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
identifiers = st.text(min_size=1, max_size=37).filter(
    lambda text: (
        text == text.strip()
        and text.isprintable()
        and text != "cio_"
        and not text.lower().startswith("mailto:")
        and not text.endswith(">")
        and not has_hidden_edge(text)
    )
)


def deepest(depth: int) -> Any:
    return [deepest(depth - 1)] if depth else 1


def arguments_with(name: str, argument: str, value: Any) -> dict[str, Any]:
    return {**SUBTOOLS[name].examples[0].arguments, argument: value}


def attempt(subtool: Subtool[Any], arguments: Any) -> Request | list[str]:
    """Return the request of a call, or the paths for which it is refused; all else is a fault."""
    try:
        return request_for(Call(subtool, subtool.parse(arguments), AT))
    except ArgumentsInvalid as error:
        refused = error
    assert refused.fields
    assert all(found.path and found.problem and found.fix for found in refused.fields)
    refused.summary.encode()
    return [found.path for found in refused.fields]


@given(named=st.sampled_from(ARGUMENTS), value=values)
@settings(max_examples=800, deadline=None)
def test_any_value_is_refused_or_makes_one_request_of_the_declared_path(
    named: tuple[str, str], value: Any
) -> None:
    subtool = SUBTOOLS[named[0]]
    sent = attempt(subtool, arguments_with(*named, value))
    if isinstance(sent, Request):
        assert sent.template in {each.path for each in subtool.endpoints}
        assert sent.path.count("/") == sent.template.count("/")
        assert not {".", ".."} & set(map(unquote, sent.path.split("/")))
        assert sent.target.isascii()
        assert sent.target.isprintable()
        json.loads(sent.body or b"{}", parse_constant=pytest.fail)


@given(named=st.sampled_from(ARGUMENTS), value=values)
@settings(max_examples=400, deadline=None)
def test_a_mapping_and_its_json_text_fare_the_same(named: tuple[str, str], value: Any) -> None:
    subtool = SUBTOOLS[named[0]]
    arguments = arguments_with(*named, value)
    assert attempt(subtool, json.dumps(arguments)) == attempt(subtool, arguments)


@given(named=st.sampled_from(PATHS_OF_TEXT), text=identifiers)
@example(named=("identify_customer", "customer_id"), text="0@.0")
@example(named=("identify_customer", "customer_id"), text="+14155550123")
@settings(max_examples=400, deadline=None)
def test_an_identifier_arrives_as_it_was_given(named: tuple[str, str], text: str) -> None:
    name, slot = named
    subtool = SUBTOOLS[name]
    sent = attempt(subtool, arguments_with(name, slot, text))
    if isinstance(sent, Request):
        number = sent.template.split("/").index(f"{{{slot}}}")
        assert unquote(sent.path.split("/")[number]) == text
    else:
        decoded = {text, unquote(text), unquote(unquote(text))}
        assert sent == [slot]
        assert decoded & {".", ".."} or is_placeholder(text, slot) or is_misshapen(text)


def is_misshapen(text: str) -> bool:
    """Return whether a text looks like a phone, an address or a cio_ id, and is no sound one."""
    is_bad_address = is_like_an_address(text) and address_fault(text) is not None
    return is_phone(text) or is_bad_address or not may_be(text, shape_of(text))


@given(arguments=st.one_of(values, st.binary(max_size=40)), name=st.sampled_from(list(SUBTOOLS)))
@settings(max_examples=300, deadline=None)
def test_anything_in_place_of_the_arguments_is_refused_or_understood(
    arguments: Any, name: str
) -> None:
    attempt(SUBTOOLS[name], arguments)


@pytest.mark.parametrize(
    ("given_as", "meant"),
    [
        ("7", 7),
        (" 7 ", 7),
        (7.0, 7),
    ],
)
def test_a_whole_number_is_taken_in_any_writing(given_as: Any, meant: int) -> None:
    segment = SUBTOOLS["get_segment"]
    assert segment.parse({"segment_id": given_as}) == segment.parse({"segment_id": meant})


@pytest.mark.parametrize(
    "moment",
    [
        "2025-11-22T08:26:40Z",
        "2025-11-22T09:26:40+01:00",
        "2025-11-22T09:26:40.123+0100",
        "2025-11-22T08:26:40",
        "2025-11-22 08:26:40",
        "2025-11-22t08:26:40z",
        "2025-11-22 08:26:40 UTC",
        "2025-11-22 13:56:40 +05:30",
        "20251122T082640Z",
        "2025-11-22T08:26:40.123456789Z",
        "1763800000",
        "1763800000000",
        1763800000,
        1763800000000,
        1763800000.5,
    ],
)
def test_a_time_is_taken_in_any_writing(moment: Any) -> None:
    args = SUBTOOLS["track_event"].parse({"customer_id": "u1", "name": "a", "timestamp": moment})
    assert args.timestamp == 1763800000


@pytest.mark.parametrize(
    ("name", "argument", "as_text", "meant"),
    [
        (
            "identify_customer",
            "attributes",
            '{"plan": "pro", "old": null}',
            {"plan": "pro", "old": None},
        ),
        ("identify_customer", "update_only", "true", True),
        ("list_segments", "full", "False", False),
        ("add_to_segment", "customer_ids", '["u1", "u2"]', ["u1", "u2"]),
        ("trigger_broadcast", "data", ' {"a": [1]}', {"a": [1]}),
    ],
)
def test_json_that_arrives_as_text_is_taken(
    name: str, argument: str, as_text: str, meant: Any
) -> None:
    subtool = SUBTOOLS[name]
    assert attempt(subtool, arguments_with(name, argument, as_text)) == attempt(
        subtool, arguments_with(name, argument, meant)
    )


def test_a_number_as_person_keeps_its_digits() -> None:
    sent = attempt(SUBTOOLS["delete_customer"], {"customer_id": 7})
    assert isinstance(sent, Request)
    assert sent.path == "/api/v1/customers/7"


def test_a_number_of_more_digits_than_python_writes_is_refused() -> None:
    huge = 10**5000
    assert attempt(SUBTOOLS["get_segment"], {"segment_id": huge}) == ["segment_id"]
    text = '{"segment_id": 1' + "0" * 5000 + "}"
    assert attempt(SUBTOOLS["get_segment"], text) == ["arguments"]


def test_nesting_is_taken_up_to_its_limit_and_no_further() -> None:
    track = SUBTOOLS["track_event"]
    levels = MAX_DEPTH - 2  # the arguments themselves and `data` are two
    assert isinstance(
        attempt(track, arguments_with("track_event", "data", {"in": deepest(levels)})), Request
    )
    assert attempt(track, arguments_with("track_event", "data", {"in": deepest(levels + 1)})) == [
        "data"
    ]
