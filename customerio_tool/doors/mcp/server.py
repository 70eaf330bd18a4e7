"""The MCP server: lists the subtools, calls them, and asks a person where the policy wants it."""

from __future__ import annotations

import hashlib
from typing import Any

import anyio.to_thread
import mcp_types as types
from mcp.server import Server
from mcp.server.caching import CacheHint
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError

from customerio_tool.connection import Connection
from customerio_tool.doors.instructions import INSTRUCTIONS
from customerio_tool.doors.mcp.asking import (
    ANSWER_SECONDS,
    Action,
    answered,
    as_result,
    ask_now,
    can_ask,
    is_stateless,
    worded,
)
from customerio_tool.doors.mcp.name import NAME
from customerio_tool.doors.mcp.resources import Resources
from customerio_tool.doors.mcp.running import Envelope, Request, run, unless_client_leaves
from customerio_tool.doors.mcp.views import View, Views
from customerio_tool.doors.unasked import told_where
from customerio_tool.errors import CustomerIoError
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.version import __version__

VIEW = "customerio_tool.view"
"""The member of an ASGI scope with the view that the request's URL asks for."""

_LISTS_ARE_FRESH_MS = 60 * 60 * 1000


class CallHandler:
    """Answers `tools/list` and `tools/call`.

    Args:
        views: What is offered.
        answer_seconds: How long a client of the handshake era may take to answer a question.
        decided_at: The address of the page where a person decides about the calls that wait; empty
            if there is none.
    """

    def __init__(self, views: Views, answer_seconds: float, decided_at: str = "") -> None:
        self._views = views
        self._decided_at = decided_at
        self._answer_seconds = answer_seconds

    async def list_tools(
        self, request: Request, _: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """Return the definitions of the view."""
        return types.ListToolsResult(tools=list(self.view(request).tools.values()))

    async def call_tool(
        self, request: Request, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Run a subtool and return its envelope, or the question that comes before.

        Raises:
            MCPError: The view has no subtool of that name, or the client left.
        """
        view = self.view(request)
        if params.name not in view.tools:
            offered = ", ".join(view.tools)
            raise MCPError(
                code=types.INVALID_PARAMS,
                message=f"Unknown tool: this server offers {offered}.",
            )
        return await unless_client_leaves(request, lambda: self._answer(request, view, params))

    def view(self, request: Request) -> View:
        """Return what the client of a request is offered."""
        scope = request.request.scope if request.request else {}
        view: View = scope.get(VIEW, self._views.whole)
        return view

    async def _answer(
        self, request: Request, view: View, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        if params.request_state is not None and (action := answered(params)) is not None:
            return _result(await _settled(request, view, params.request_state, action))
        name, arguments, tool = params.name, params.arguments or {}, view.tool
        called = await run(request, lambda at: tool.acall(name, arguments, context=at))
        envelope = told_where(called, self._decided_at)
        waiting = envelope.get("confirmation_id")
        if waiting is None or not can_ask(request):
            return _result(envelope)
        if (question := await _question(view, waiting)) is None:
            return _result(envelope)
        if is_stateless(request):
            return as_result(question, waiting)
        reply = await ask_now(request, question, self._answer_seconds)
        return _result(await _settled(request, view, waiting, reply) if reply else envelope)


async def _question(view: View, waiting: str) -> str | None:
    """Return the words of a question to a person; None if nobody could decide it here."""
    try:
        found = await anyio.to_thread.run_sync(view.tool.question, waiting)
    except CustomerIoError:  # the store of what waits is gone
        return None
    if found is None or found.arguments is None:
        return None
    return worded(found.sentence, found.arguments)


async def _settled(request: Request, view: View, waiting: str, action: Action) -> Envelope:
    """Approve or decline a waiting call as the person did, and return its envelope."""
    tool = view.tool
    if action == "accept":
        return await run(request, lambda at: tool.aapprove(waiting, context=at))
    return await run(request, lambda at: tool.adecline(waiting, context=at))


def _result(envelope: Envelope) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=compact(envelope))],
        structured_content=envelope,
        is_error=not envelope["ok"],
    )


def new_server(
    views: Views,
    connection: Connection,
    *,
    answer_seconds: float = ANSWER_SECONDS,
    decided_at: str = "",
) -> Server[Any]:
    """Return a server for any transport, in both eras of the protocol.

    Args:
        views: What it offers.
        connection: Seals, with a key made from its credentials, the ids of waiting calls that
            pass through the client; so servers on the same connection read each other's.
        answer_seconds: How long a client of the handshake era may take to answer a question.
        decided_at: The address of the page where a person decides about the calls that wait; empty
            if there is none.
    """
    handler = CallHandler(views, answer_seconds, decided_at)
    resources = Resources(handler.view)
    schemas = {name: tool.input_schema for name, tool in views.whole.tools.items()}
    server: Server[Any] = Server(
        NAME,
        version=__version__,
        title="Customer.io",
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": CacheHint(ttl_ms=_LISTS_ARE_FRESH_MS)},
        # Else the SDK lists all tools before every call over stateless HTTP.
        get_tool_input_schema=schemas.get,
        on_list_tools=handler.list_tools,
        on_call_tool=handler.call_tool,
        on_list_resources=resources.list_resources,
        on_read_resource=resources.read_resource,
    )
    security = RequestStateSecurity(keys=[_key(connection)])
    server.middleware.append(RequestStateBoundary(security, default_audience=NAME))
    return server


def _key(connection: Connection) -> bytes:
    digest = hashlib.blake2b(person=b"mcp-state", digest_size=32)
    for api in sorted(connection.apis, key=lambda api: api.value):
        digest.update(connection.authorization(api).encode() + b"\0")
    return digest.digest()
