"""Definitions are made once, and no call lists them in passing."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from starlette.datastructures import QueryParams
from starlette.testclient import TestClient

from customerio_tool import CustomerIoTool
from customerio_tool.doors.mcp.http import new_app
from customerio_tool.doors.mcp.name import NAME
from customerio_tool.doors.mcp.views import ViewRefused
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.doors.mcp.test_stdio import CALL, EVENT, META, MODERN_LIST
from tests.support.mcp_doors import server_on, views_on

HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Host": "127.0.0.1:8000",
}
MODERN_CALL = {**CALL, "params": {**EVENT, "_meta": META}}


def test_a_call_of_the_stateless_era_lists_nothing(sandbox: Sandbox) -> None:
    views = views_on(sandbox)
    server = server_on(sandbox, views)
    seen: list[str] = []

    async def note(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        seen.append(ctx.method)
        return await call_next(ctx)

    server.middleware.append(note)
    with TestClient(new_app(server, views)) as client:
        headers = {**HEADERS, "Mcp-Method": "tools/call", "Mcp-Name": "track_event"}
        answer = client.post("/mcp", json=MODERN_CALL, headers=headers)
    assert answer.json()["result"]["structuredContent"]["ok"] is True
    assert seen == ["tools/call"]


def test_lists_are_made_once_for_each_view(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def counted(self: CustomerIoTool, *args: Any, **kwargs: Any) -> Any:
        made.append("list")
        return super(CustomerIoTool, self).definitions(*args, **kwargs)

    monkeypatch.setattr(CustomerIoTool, "definitions", counted)
    views = views_on(sandbox)
    server = server_on(sandbox, views)
    with TestClient(new_app(server, views)) as client:
        headers = {**HEADERS, "Mcp-Method": "tools/list"}
        for query in ("", "?preset=read_only", "?only=list_segments,get_segment"):
            answers = [
                client.post(f"/mcp{query}", json=MODERN_LIST, headers=headers) for _ in range(3)
            ]
            assert len({answer.text for answer in answers}) == 1
    assert len(made) == 3


def test_the_order_of_names_makes_no_other_view(sandbox: Sandbox) -> None:
    views = views_on(sandbox)
    one = views.asked_for(QueryParams({"only": "list_segments, get_segment"}))
    assert views.asked_for(QueryParams({"only": "get_segment,list_segments,get_segment"})) is one


def test_a_view_of_nothing_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ViewRefused, match="no subtool"):
        views_on(sandbox, preset="read_only").asked_for(QueryParams({"only": "delete_customer"}))


def test_the_names_fit_the_limits_of_hosts() -> None:
    """64 characters with a plugin's prefix, and 60 of server and tool."""
    longest = max(map(len, subtools()))
    assert len(f"mcp__plugin_{NAME}_{NAME}__") + longest <= 64
    assert len(NAME) + 1 + longest <= 60
