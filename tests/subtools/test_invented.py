"""An invented name of a subtool is answered with what it means, or that nothing does it."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.errors import NextStep
from customerio_tool.subtools import PAGE, subtools
from customerio_tool.subtools.parts.invented import _MEANT
from tests.subtools.test_wrong_calls import SAVED


def told(name: str) -> str:
    with CustomerIoTool(SAVED) as tool:
        result = tool.call(name, {})
    assert result["error"]["code"] == "subtool_unknown"
    return str(result["summary"])


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("get_campaigns", "list_campaigns"),
        ("getCampaigns", "list_campaigns"),
        ("unsubscribe_customer", "identify_customer with unsubscribed=true"),
        ("update-customer", "identify_customer"),
        ("trackEvent", "track_event"),
        ("delete_segments", "delete_segment"),
        ("send_email", "send_transactional_email"),
    ],
)
def test_what_an_invented_name_means_is_named(name: str, instead: str) -> None:
    subtool, _, arguments = instead.partition(" ")
    assert f"did you mean {subtool!r}{f' {arguments}' if arguments else ''}?" in told(name)


@pytest.mark.parametrize("name", ["rename_campaign", "pause_campaign", "cancel_broadcast"])
def test_what_nothing_does_is_said_with_what_there_is(name: str) -> None:
    thing = name.partition("_")[2]
    sentence = told(name)
    assert "nothing here does that" in sentence
    named = re.findall(r"\w+_\w+", sentence)
    assert named == [each for each in subtools() if thing in each]


@pytest.mark.parametrize("step", get_args(NextStep))
def test_the_word_of_a_next_step_is_no_subtool(step: str) -> None:
    assert "it is a next step" in told(step)


def test_every_meaning_is_a_subtool_and_no_invented_name_is_one() -> None:
    for name, instead in _MEANT.items():
        assert name not in subtools()
        subtool, _, arguments = instead.partition(" with ")
        assert subtool in PAGE
        if arguments:
            argument, _, value = arguments.partition("=")
            assert argument in subtools()[subtool].argument_names
            assert value in ("true", "false")
