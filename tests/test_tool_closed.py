"""A tool that was closed refuses calls, whatever is asked of it."""

from __future__ import annotations

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.errors import ToolClosed
from customerio_tool.sandbox import Sandbox

READ = ("get_segment", {"segment_id": 1})


@pytest.fixture
def closed(sandbox: Sandbox) -> CustomerIoTool:
    with CustomerIoTool(sandbox.connection(), policy="careful") as tool:
        assert tool.call(*READ)["ok"]
    return tool


def test_a_closed_tool_sends_nothing_and_says_so(closed: CustomerIoTool, sandbox: Sandbox) -> None:
    before = len(sandbox.requests())
    result = closed.call(*READ)
    assert result["error"] == {"code": "tool_closed", "next_step": "give_up", "took_effect": "no"}
    with pytest.raises(ToolClosed):
        closed.run(*READ)
    with pytest.raises(ToolClosed):
        closed.test_connection()
    assert len(sandbox.requests()) == before


def test_a_closed_tool_settles_no_approval(sandbox: Sandbox) -> None:
    with CustomerIoTool(sandbox.connection(), policy="careful") as tool:
        waiting = tool.call("delete_segment", {"segment_id": 1})["confirmation_id"]
    for settled in (tool.approve(waiting), tool.decline(waiting)):
        assert settled["error"]["code"] == "tool_closed"
    with CustomerIoTool(sandbox.connection(), policy="careful") as another:
        assert another.approve(waiting)["ok"]


def test_a_closed_tool_still_describes_itself(closed: CustomerIoTool) -> None:
    assert closed.definition("get_segment")["name"] in closed.subtools()


def test_a_tool_on_a_session_of_the_host_is_closed_as_well(sandbox: Sandbox) -> None:
    from customerio_tool.connection.transport import new_session

    with new_session() as session:
        with CustomerIoTool(sandbox.connection(), session=session) as first:
            assert first.call(*READ)["ok"]
        assert not first.call(*READ)["ok"]
        with CustomerIoTool(sandbox.connection(), session=session) as second:
            assert second.call(*READ)["ok"]
