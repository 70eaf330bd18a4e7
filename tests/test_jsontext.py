"""JSON as it is sent and hashed: what is stored between versions is found by its hash."""

from __future__ import annotations

import math

import pytest

from customerio_tool.calls.request import json_bytes
from customerio_tool.subtools.declare.json_text import compact


def test_what_is_hashed_is_written_as_ever() -> None:
    parts = ["run", {"b": "ä\ud800", "a": 1.5}, None, True]
    text = compact(parts, is_ascii=True, sort_keys=True)
    assert text == r'["run",{"a":1.5,"b":"\u00e4\ud800"},null,true]'


def test_what_is_sent_keeps_its_characters_and_its_order() -> None:
    assert compact({"b": "ä\n", "a": [1, 2.0]}) == '{"b":"ä\\n","a":[1,2.0]}'


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_json_does_not_have_is_not_sent(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        json_bytes({"a": number})
