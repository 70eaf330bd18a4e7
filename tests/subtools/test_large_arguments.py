"""Arguments that are far too large are refused before work is done on each part of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare.json_input import MAX_VALUES
from tests.support.answers import session_with
from tests.support.clients import SAVED_US, example_of


def refusal(name: str, arguments: Any) -> dict[str, Any]:
    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        result = tool.call(name, arguments)
    assert result["error"]["code"] == "arguments_invalid"
    return result


@pytest.mark.parametrize("encode", [str, str.encode])
@pytest.mark.parametrize("bracket", ["[", "{"])
def test_a_text_of_too_many_brackets_is_not_parsed(encode: Any, bracket: str) -> None:
    no_json = bracket * (MAX_VALUES + 1)

    assert "more than 250,000 values" in refusal("track_event", encode(no_json))["summary"]


def test_a_text_with_nearly_as_many_brackets_is_parsed() -> None:
    body = "[" * (MAX_VALUES - 10)  # the call itself has a few
    mail = {**example_of("send_transactional_email"), "body": body}

    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        assert tool.call("send_transactional_email", json.dumps(mail))["ok"]


@pytest.mark.parametrize("name", list(subtools()))
def test_of_thousands_of_unknown_arguments_a_few_are_told(name: str) -> None:
    unknown = {f"no_such_{i}": i for i in range(50_000)}

    error = refusal(name, {**example_of(name), **unknown})["error"]

    assert len(error["fields"]) == 20
    assert {each["path"] for each in error["fields"]} <= unknown.keys()


def test_a_call_changes_none_of_the_mapping_it_was_given() -> None:
    given = {f"no_such_{i}": i for i in range(100)}

    refusal("track_event", given)

    assert len(given) == 100


def test_more_relationships_than_a_call_may_have_are_refused() -> None:
    one = {"object_type_id": "1", "object_id": "2"}

    result = refusal("identify_customer", {"customer_id": "u1", "relationships": [one] * 1001})

    assert result["error"]["fields"][0]["fix"] == "send at most 1,000 per call"
