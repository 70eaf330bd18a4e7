"""The tools of a process share one session, on which nothing of a connection is stored."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

from customerio_tool import CustomerIoTool
from customerio_tool.connection.transport import new_session
from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED_US

READ = ("get_segment", {"segment_id": 1})


def session_of(tool: CustomerIoTool) -> Any:
    return tool._client._session


def test_tools_share_connections_and_one_closed_breaks_no_other(sandbox: Sandbox) -> None:
    server = sandbox._running()
    tools = [CustomerIoTool(sandbox.connection()) for _ in range(5)]
    assert all(tool.call(*READ)["ok"] for tool in tools)
    assert len(server._live) == 1
    tools[0].close()
    assert all(tool.call(*READ)["ok"] for tool in tools[1:])


def test_a_session_of_the_host_is_used_in_place_of_the_shared_one(sandbox: Sandbox) -> None:
    with new_session() as session:
        own = CustomerIoTool(sandbox.connection(), session=session)
        shared = CustomerIoTool(sandbox.connection())
        assert session_of(own) is session
        assert session_of(shared) is not session
        assert own.call(*READ)["ok"]
    assert shared.call(*READ)["ok"]


def test_nothing_of_a_connection_is_on_the_shared_session(sandbox: Sandbox) -> None:
    tool = CustomerIoTool(sandbox.connection())
    assert tool.call(*READ)["ok"]
    session = session_of(tool)
    assert not session.cookies
    assert not session.trust_env
    stored = repr((vars(session), [vars(each) for each in session.adapters.values()]))
    saved = sandbox.connection()
    assert not any(saved[f] in stored for f in ("site_id", "track_api_key", "app_api_key"))


def test_many_tools_are_small() -> None:
    CustomerIoTool(SAVED_US)
    gc.collect()
    tracemalloc.start()
    tools = [CustomerIoTool(SAVED_US) for _ in range(200)]
    size = tracemalloc.get_traced_memory()[0] / len(tools)
    tracemalloc.stop()
    assert size < 20 * 1024
