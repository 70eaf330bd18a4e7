"""Read-only refuses every write before it looks at its arguments, and nothing undoes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customerio_tool import Policy
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import code_of
from tests.support.policies import WRITES, call, tool_with

ARGUMENTS = sorted({name for each in subtools().values() for name in each.argument_names})


@pytest.mark.parametrize("name", WRITES)
def test_read_only_refuses_every_write_before_its_arguments(
    net: responses.RequestsMock, name: str
) -> None:
    tool = tool_with(read_only=True)
    examples: list[Any] = [dict(example.arguments) for example in subtools()[name].examples]
    for arguments in [*examples, {}, "{", None]:
        result = tool.call(name, arguments)
        assert code_of(result) == "policy_refused"
        assert result["error"]["next_step"] == "give_up"
        assert result["error"]["took_effect"] == "no"
    assert len(net.calls) == 0


def test_nothing_undoes_read_only(net: responses.RequestsMock) -> None:
    tool = tool_with(read_only=True)
    tool.enable(*WRITES)
    tool.only("delete_customer", "get_segment")

    assert tool.subtools() == ["get_segment"]
    assert [definition["name"] for definition in tool.definitions()] == ["get_segment"]
    assert code_of(tool.call("delete_customer", {"customer_id": "u1"})) == "policy_refused"
    assert code_of(tool.handlers["delete_customer"]({"customer_id": "u1"})) == "policy_refused"
    assert code_of(tool.call("get_campaign", {"campaign_id": 1})) == "subtool_disabled"
    assert len(net.calls) == 0


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(WRITES),
    st.dictionaries(
        st.sampled_from(
            [*Policy.model_fields, "policy", "confirmed", "confirmation_token", "force", *ARGUMENTS]
        ),
        st.booleans() | st.sampled_from(["u1", "true", "human"]) | st.integers(0, 3) | st.none(),
    ),
)
def test_no_argument_passes_read_only(name: str, arguments: Any) -> None:
    with responses.RequestsMock() as net:
        for written in (arguments, json.dumps(arguments)):
            assert code_of(call(tool_with(read_only=True), name, written)) == "policy_refused"
        assert len(net.calls) == 0


def test_read_only_still_reads(sandbox: Sandbox) -> None:
    result = call(tool_with(sandbox.connection(), read_only=True), "list_segments", {})
    assert result["ok"]
