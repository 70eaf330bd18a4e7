"""A pattern does what `re.compile` returns does, once it is used."""

from __future__ import annotations

import re

import pytest

from customerio_tool.patterns import pattern

TEXTS = ["a1", "A1", "b", "", "a1 a2"]


@pytest.mark.parametrize("text", TEXTS)
def test_it_finds_what_the_compiled_expression_finds(text: str) -> None:
    ours, theirs = pattern(r"a\d", re.IGNORECASE), re.compile(r"a\d", re.IGNORECASE)

    for _ in range(2):
        assert bool(ours.fullmatch(text)) is bool(theirs.fullmatch(text))
        assert ours.findall(text) == theirs.findall(text)
        assert ours.sub("-", text) == theirs.sub("-", text)


def test_it_is_compiled_at_its_first_use() -> None:
    wrong = pattern("(")
    with pytest.raises(re.error):
        wrong.search("a")


def test_it_has_no_other_members() -> None:
    assert not hasattr(pattern("a"), "fullmatches")
