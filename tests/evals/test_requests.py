"""The requests that wordings are scored by: sound, of every kind, and not known to any wording."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import permutations

import pytest
from jsonschema import Draft202012Validator

from customerio_tool.subtools import PAGE, subtools
from evals.cases import HALVES, SCHEMA, Half, cases, rows

VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
PHRASE = 4

NEAR = (
    ("delete_customer", "suppress_customer"),
    ("identify_customer", "suppress_customer"),
    ("track_event", "track_anonymous_event"),
    ("track_event", "track_page_view"),
    ("trigger_broadcast", "send_transactional_email"),
    ("get_campaign", "get_campaign_metrics"),
    ("list_messages", "get_campaign_metrics"),
    ("add_to_segment", "create_manual_segment"),
    ("remove_from_segment", "delete_segment"),
)
"""Subtools that models take for each other; each must be asked for where the other is near."""

each_half = pytest.mark.parametrize("half", HALVES)


def phrases(text: str) -> set[tuple[str, ...]]:
    """Every run of some words, in lower case."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + PHRASE]) for at in range(len(words) - PHRASE + 1)}


def test_every_request_keeps_the_schema() -> None:
    problems = [error.message for row in rows() for error in VALIDATOR.iter_errors(row)]
    assert problems == []
    assert not VALIDATOR.is_valid({**next(rows()), "half": "both"})


def test_no_request_is_there_twice() -> None:
    assert [text for text, times in Counter(c.request for c in cases()).items() if times > 1] == []


def test_a_request_and_its_neighbours_are_of_the_24_and_it_names_none() -> None:
    for case in cases():
        assert {case.subtool, *case.neighbours} <= set(PAGE), case
        assert case.subtool not in case.neighbours, case
        named = re.sub(r"[ -]", "_", case.request.lower())
        assert [name for name in PAGE if name in named] == [], case


@each_half
def test_each_half_asks_for_every_subtool_in_every_voice_and_language(half: Half) -> None:
    chosen = cases(half)
    assert len(chosen) >= 80
    assert min(Counter(case.subtool for case in chosen).values()) >= 4
    assert {case.subtool for case in chosen} == set(PAGE)
    for of in ("voice", "language"):
        assert {getattr(case, of) for case in chosen} == {getattr(case, of) for case in cases()}
    assert sum(case.language != "en" for case in chosen) >= len(chosen) / 3


@each_half
def test_each_half_has_the_traps(half: Half) -> None:
    there = {(case.subtool, near) for case in cases(half) for near in case.neighbours}
    assert {both for pair in NEAR for both in permutations(pair)} - there == set()


def test_no_description_was_copied_from_a_held_out_request() -> None:
    words = {phrase for name in PAGE for phrase in phrases(subtools()[name].description)}
    assert [c.request for c in cases("held-out") if phrases(c.request) & words] == []
