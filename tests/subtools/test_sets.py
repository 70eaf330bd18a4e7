"""A set's name stands for its subtools wherever names of subtools do."""

from __future__ import annotations

import json

import pytest
from starlette.datastructures import QueryParams

from customerio_tool import CustomerIoTool, Policy
from customerio_tool.doors.cli.views import policy_of
from customerio_tool.errors import ConnectionInvalid, SubtoolUnknown
from customerio_tool.sandbox import Sandbox
from customerio_tool.sets import PURPOSES, named, sets
from customerio_tool.subtools import PAGE, subtools
from customerio_tool.subtools.declare import Effect
from tests.support.clients import SAVED_US
from tests.support.mcp_doors import views_on

NAMES = tuple(PURPOSES)


def test_the_sets_are_four_and_every_subtool_of_the_page_is_in_one() -> None:
    assert tuple(sets()) == NAMES == ("reader", "messaging", "people", "segments")
    assert set(PAGE) <= frozenset().union(*sets().values())
    assert not set(NAMES) & set(subtools())


def test_reader_is_every_read_and_nothing_else() -> None:
    reads = {name for name, each in subtools().items() if each.effect is Effect.READ}
    assert sets()["reader"] == reads


def test_messaging_is_every_send_and_what_shows_how_it_did() -> None:
    sends = {name for name, each in subtools().items() if each.effect is Effect.SEND}
    assert sends < sets()["messaging"]
    assert sets()["messaging"] - sends <= sets()["reader"]


@pytest.mark.parametrize("name", NAMES)
def test_a_set_is_enabled_by_name_in_a_policy_and_its_variable(name: str) -> None:
    assert Policy(enabled=[name]).enabled == sets()[name]
    assert Policy.load({"enabled": f"{name}, track_event"}).enabled == sets()[name] | {
        "track_event"
    }
    assert Policy.from_env({"CUSTOMERIO_SUBTOOLS": name}).enabled == sets()[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_is_narrowed_to_a_set(name: str) -> None:
    with CustomerIoTool(SAVED_US) as tool:
        chosen = [each["name"] for each in tool.definitions(only=name)]
        tool.only(name)
        assert tool.subtools() == chosen == [each for each in subtools() if each in sets()[name]]
        tool.disable(name)
        assert tool.subtools() == []
        tool.enable(name)
        assert tool.subtools() == chosen


@pytest.mark.parametrize("name", NAMES)
def test_a_server_offers_a_set_within_its_policy(name: str, sandbox: Sandbox) -> None:
    offered = views_on(sandbox, read_only=True).asked_for(QueryParams({"only": name})).tools
    assert set(offered) == sets()[name] & sets()["reader"]
    enabled = policy_of("careful", f"{name},get_segment", read_only=False).enabled
    assert enabled == sets()[name] | {"get_segment"}


def test_a_name_that_is_neither_is_refused_everywhere() -> None:
    with pytest.raises(SubtoolUnknown):
        named(["readers"])
    with pytest.raises(ConnectionInvalid, match="did you mean 'reader'"):
        Policy.load({"enabled": ["readers"]})


def test_a_reader_costs_a_model_less() -> None:
    with CustomerIoTool(SAVED_US) as tool:
        both = [tool.definitions(only, "openai", "compact") for only in (None, "reader")]
    whole, reader = (len(json.dumps(each)) for each in both)
    assert reader < whole / 3
