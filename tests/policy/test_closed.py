"""A policy keeps closed what it does not open: redirected events, files, other subtools."""

from __future__ import annotations

import responses

from tests.support.clients import code_of
from tests.support.policies import EVENT, TO_FILE, call, paths_of, tool_with


def test_an_event_may_not_redirect_its_message(net: responses.RequestsMock) -> None:
    for name in ("recipient", "from_address", "reply_to"):
        for spelt in (name, f" {name.title()}"):
            result = call(tool_with(), "track_event", {**EVENT, "data": {spelt: "x@example.com"}})
            assert code_of(result) == "arguments_invalid"
            assert paths_of(result) == [f"data.{name}"]
    assert len(net.calls) == 0


def test_a_broadcast_may_not_take_its_audience_from_a_file(net: responses.RequestsMock) -> None:
    result = call(tool_with(), "trigger_broadcast", TO_FILE)
    assert code_of(result) == "arguments_invalid"
    assert paths_of(result) == ["data_file_url"]
    assert len(net.calls) == 0


def test_a_disabled_subtool_is_refused_before_its_arguments(net: responses.RequestsMock) -> None:
    with tool_with(enabled=["get_segment"]) as tool:
        assert tool.subtools() == ["get_segment"]
        assert code_of(tool.call("track_event", "{")) == "subtool_disabled"
        tool.enable("track_event")
        assert code_of(tool.call("track_event", "{")) == "arguments_invalid"
    assert len(net.calls) == 0
