"""A whole number may come as a float or as text, wherever a number is wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools import PAGE, subtools

NUMBERS = [
    (name, argument)
    for name in PAGE
    for argument, schema in subtools()[name].input_schema()["properties"].items()
    if schema["type"] == "integer"
]


@given(named=st.sampled_from(NUMBERS), number=st.integers(1, 12))
def test_any_number_can_be_a_float_or_text(named: tuple[str, str], number: int) -> None:
    (name, argument), parse = named, subtools()[named[0]].parse
    others = {
        **subtools()[name].examples[0].arguments,
        **({"campaign_id": 12} if argument == "trigger_id" else {}),
    }
    if argument == "steps":
        others = {"campaign_id": 12}
    for spelt in (float(number), str(number), f"{number}.0"):
        assert parse({**others, argument: spelt}) == parse({**others, argument: number})


@given(
    named=st.sampled_from(NUMBERS),
    value=st.floats().filter(lambda value: not value.is_integer()),
)
def test_what_is_no_whole_number_is_no_number(named: tuple[str, str], value: float) -> None:
    name, argument = named
    with pytest.raises(ArgumentsInvalid) as refused:
        subtools()[name].parse({**subtools()[name].examples[0].arguments, argument: value})
    assert argument in [field.path for field in refused.value.fields]
