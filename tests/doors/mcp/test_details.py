"""How much of a subtool a client of MCP is shown, and where it finds the rest."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from mcp import Client, MCPError
from starlette.datastructures import QueryParams

from customerio_tool import CustomerIoTool, Detail
from customerio_tool.doors.mcp.resources import URI
from customerio_tool.doors.mcp.views import ViewRefused
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import find, subtools
from tests.support.mcp_doors import server_on, talk, views_on


@pytest.mark.parametrize("detail", get_args(Detail))
def test_a_url_says_how_much_is_shown_and_not_what_may_run(
    detail: Detail, sandbox: Sandbox
) -> None:
    view = views_on(sandbox).asked_for(QueryParams({"detail": detail, "preset": "read_only"}))
    with CustomerIoTool(sandbox.connection(), policy="read_only") as tool:
        own = tool.definitions(detail=detail)
    assert [each["name"] for each in own] == list(view.tools) == view.tool.subtools()
    for each in own:
        shown = view.tools[each["name"]]
        assert (shown.description, shown.input_schema) == (
            each["description"],
            each["input_schema"],
        )


def test_a_server_has_a_detail_of_its_own_which_a_url_changes(sandbox: Sandbox) -> None:
    views = views_on(sandbox, detail="basic")
    assert views.asked_for(QueryParams({"detail": "basic"})) is views.whole
    whole = views.asked_for(QueryParams({"detail": "full"}))
    assert whole.tools["get_segment"].description == find("get_segment").description
    basic = CustomerIoTool.definition("get_segment", detail="basic")
    assert views.whole.tools["get_segment"].input_schema == basic["input_schema"]


def test_a_url_with_no_such_detail_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ViewRefused, match="full or compact or basic"):
        views_on(sandbox).asked_for(QueryParams({"detail": "short"}))


def test_a_client_reads_everything_on_a_subtool_that_it_is_offered(sandbox: Sandbox) -> None:
    server = server_on(sandbox, views_on(sandbox, detail="basic"))
    listed = talk(server, "stateless", lambda c: c.list_resources()).resources
    assert [str(each.uri) for each in listed] == [f"{URI}{name}" for name in subtools()]
    read = talk(server, "stateless", lambda c: c.read_resource(f"{URI}list_messages"))
    with CustomerIoTool(sandbox.connection()) as tool:
        assert json.loads(read.contents[0].text) == tool.describe("list_messages")


@pytest.mark.parametrize("uri", [f"{URI}delete_customer", f"{URI}nothing", "customerio://other"])
def test_a_resource_that_is_not_offered_is_refused(uri: str, sandbox: Sandbox) -> None:
    async def refused(client: Client) -> None:
        with pytest.raises(MCPError, match="no such resource"):
            await client.read_resource(uri)

    talk(server_on(sandbox, read_only=True), "stateless", refused)
